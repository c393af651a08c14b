/** The log's thread: its own bundle, and the one place that waits for the disk. Appends that wait together are one transaction. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { createFaults, type Faults } from '../../runtime/index.ts';
import { isCorrupt, storageError } from './errors.ts';
import type { Answer, AnswerMessage, RequestMessage, WorkerData } from './messages.ts';
import { Store } from './store.ts';

type AppendRequest = Extract<RequestMessage, [number, 'append', unknown]>;

const AWAKE_MS = 0.25;
/** 2^8 appends are the longest pause. */
const VAIN_MAX = 8;

class LogWorker {
  readonly #port: MessagePort;
  readonly #data: WorkerData;
  readonly #faults: Faults;
  #store: Store | null = null;
  #requests: RequestMessage[] = [];
  /** Attempts to wait awake that were in vain, in a row, and the appends until the next one. */
  #vain = 0;
  #asleepFor = 0;

  constructor(port: MessagePort, data: WorkerData) {
    this.#port = port;
    this.#data = data;
    this.#faults = createFaults(data.faultPlan);
  }

  receive(request: RequestMessage): void {
    this.#requests.push(request);
    while (this.#requests.length > 0) {
      this.#takeWaiting();
      const appends = this.#requests.filter((waiting): waiting is AppendRequest => waiting[1] === 'append');
      // Appends first: a long queue of reads must not hold up a command.
      if (appends.length > 0) {
        this.#requests = this.#requests.filter((waiting) => waiting[1] !== 'append');
        this.#answer(this.#appendAll(appends));
        this.#stayAwake();
      } else {
        const next = this.#requests.shift();
        if (next !== undefined) this.#answer([this.#attempt(next[0], () => this.#perform(next))]);
      }
    }
  }

  /**
   * A client that waits for each answer sends its next command a moment later, and waking a sleeping thread costs up to
   * half as much as the commit. Waiting awake is worth it only while that moment is short: on a busy machine it would
   * use up the thread's share of the processor, so each vain attempt doubles the pause before the next.
   */
  #stayAwake(): void {
    if (this.#asleepFor > 0) {
      this.#asleepFor--;
      return;
    }
    const until = performance.now() + AWAKE_MS;
    while (this.#requests.length === 0 && performance.now() < until) this.#takeWaiting();
    this.#vain = this.#requests.length > 0 ? 0 : Math.min(this.#vain + 1, VAIN_MAX);
    this.#asleepFor = 2 ** this.#vain - 1;
  }

  #takeWaiting(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#requests.push(received.message);
    }
  }

  #appendAll(requests: readonly AppendRequest[]): Answer[] {
    if (requests.length > 1) {
      try {
        this.#opened().append(requests.map(([, , batch]) => batch));
        return requests.map(([id]): Answer => [id, null]);
      } catch {
        // None of them is in the log: each gets a verdict of its own.
      }
    }
    return requests.map(([id, , batch]) =>
      this.#attempt(id, () => {
        this.#opened().append([batch]);
        return null;
      }),
    );
  }

  #perform(request: RequestMessage): unknown {
    switch (request[1]) {
      case 'open':
        return this.#open();
      case 'append':
        return this.#opened().append([request[2]]) ?? null;
      case 'epoch':
        return this.#opened().appendEpoch(request[2]) ?? null;
      case 'read':
        return this.#opened().read(request[2].from, request[2].maxEvents, request[2].maxBytes);
      case 'result':
        return this.#opened().result(request[2]);
      case 'snapshot':
        return this.#opened().saveSnapshot(request[2].version, request[2].state) ?? null;
      case 'trim':
        return this.#opened().trim(request[2].version, request[2].resultsBefore) ?? null;
      case 'close':
        this.#close();
        return null;
    }
  }

  /** Always a new connection: the old one may be what went wrong. */
  #open(): unknown {
    this.#close();
    this.#store = new Store(this.#data.path, this.#data.limits, this.#faults);
    return this.#store.state();
  }

  #close(): void {
    this.#store?.close();
    this.#store = null;
  }

  #opened(): Store {
    if (this.#store === null) throw storageError(new Error('it is not open'));
    return this.#store;
  }

  #attempt(id: number, work: () => unknown): Answer {
    try {
      return [id, work()];
    } catch (thrown) {
      const error = storageError(thrown);
      if (isCorrupt(error)) this.#close();
      return [id, null, error.toWire()];
    }
  }

  #answer(answers: AnswerMessage): void {
    this.#port.postMessage(answers);
  }
}

if (parentPort === null) throw new Error('log-worker runs as a worker thread only');
const worker = new LogWorker(parentPort, workerData as WorkerData);
parentPort.on('message', (request: RequestMessage) => worker.receive(request));
