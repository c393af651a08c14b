/** What a shim tells of its agent, as observations: changes at once, mere progress and figures at most so often. */
import type { AgentStatus, AgentUsage } from '../../protocol/agent/index.ts';
import type { MessageSender } from '../../protocol/control/index.ts';
import type { SessionEvent } from '../../protocol/session/index.ts';
import type { AgentPorts } from './ports.ts';

/** A task that moves is worth a commit a second, what else is shown of an agent that goes on as before not as much. */
const TASKS_MS = 1_000;
const DETAIL_MS = 5_000;
const USAGE_MS = 10_000;

/** Hands on the last of what comes, not before `everyMs` have passed since it did. */
class Throttle<T> {
  readonly #ports: AgentPorts;
  readonly #emit: (value: T) => void;
  #last = Number.NEGATIVE_INFINITY;
  #waiting: { value: T } | null = null;
  #timer: { due: number; cancel: () => void } | null = null;

  constructor(ports: AgentPorts, emit: (value: T) => void) {
    this.#ports = ports;
    this.#emit = emit;
  }

  offer(value: T, everyMs: number): void {
    const { clock } = this.#ports;
    const due = this.#last + everyMs;
    this.#waiting = { value };
    if (due <= clock.monotonic()) this.flush();
    else if (this.#timer === null || due < this.#timer.due) {
      this.#timer?.cancel();
      this.#timer = { due, cancel: clock.after(due - clock.monotonic(), () => this.flush()) };
    }
  }

  /** What waits goes now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    this.#last = this.#ports.clock.monotonic();
    this.#emit(waiting.value);
  }

  /** Nothing waits any more. */
  drop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting = null;
  }
}

export class Observations {
  readonly #ports: AgentPorts;
  readonly #sessionId: string;
  readonly #progress: Throttle<AgentStatus>;
  readonly #usage: Throttle<AgentUsage>;
  /** Who answered which request, until the shim says that it is gone. */
  readonly #answers = new Map<string, { choice: string; by: MessageSender }>();
  #status: AgentStatus | null = null;

  constructor(ports: AgentPorts, sessionId: string) {
    this.#ports = ports;
    this.#sessionId = sessionId;
    const session_id = sessionId;
    this.#progress = new Throttle(ports, (status) => void ports.observe({ cmd: 'observe_status', session_id, status }));
    this.#usage = new Throttle(ports, (usage) => void ports.observe({ cmd: 'observe_usage', session_id, usage }));
  }

  /** Observations need no waiting for: they commit in the order they are made. */
  take(event: SessionEvent): void {
    const session_id = this.#sessionId;
    switch (event.event) {
      case 'AgentChanged':
        this.#changed(event.status);
        break;
      case 'Requested':
        void this.#ports.observe({ cmd: 'observe_requested', session_id, request: event.request });
        break;
      case 'RequestClosed': {
        const { request_id, how } = event;
        const answer = how === 'answered' ? this.#answers.get(request_id) : undefined;
        void this.#ports.observe({ cmd: 'observe_request_closed', session_id, request_id, how, ...answer });
        break;
      }
      case 'ConversationChanged': {
        const { conversation_id, transcript_path } = event;
        void this.#ports.observe({ cmd: 'observe_conversation', session_id, conversation_id, transcript_path });
        break;
      }
      case 'UsageChanged':
        this.#usage.offer(event.usage, USAGE_MS);
        break;
      case 'Agent':
        this.#described(event);
        break;
      default:
        break;
    }
  }

  /** While `asking` runs, an answer to this request is this one. */
  async answering<T>(requestId: string, answer: { choice: string; by: MessageSender }, asking: Promise<T>): Promise<T> {
    this.#answers.set(requestId, answer);
    try {
      return await asking;
    } finally {
      this.#answers.delete(requestId);
    }
  }

  close(): void {
    this.#progress.drop();
    this.#usage.flush();
  }

  #changed(status: AgentStatus): void {
    const before = this.#status;
    this.#status = status;
    if (before?.activity !== status.activity || before.attention !== status.attention) {
      this.#progress.offer(status, 0);
    } else {
      const isTold = JSON.stringify(before.tasks) === JSON.stringify(status.tasks);
      this.#progress.offer(status, isTold ? DETAIL_MS : TASKS_MS);
    }
  }

  #described(event: Extract<SessionEvent, { event: 'Agent' }>): void {
    const { status, requests, conversation_id, usage } = event;
    const session_id = this.#sessionId;
    this.#changed(status);
    void this.#ports.observe({ cmd: 'observe_requests', session_id, requests });
    if (conversation_id !== null) {
      void this.#ports.observe({ cmd: 'observe_conversation', session_id, conversation_id, transcript_path: null });
    }
    if (usage !== null) this.#usage.offer(usage, USAGE_MS);
  }
}
