/** One connection of the control server, from its first line to its end. */
import type { Duplex } from 'node:stream';
import { HoldfastError, limits } from '../protocol/index.ts';
import {
  CONTROL_PROTOCOL,
  parseControlLine,
  type CloseReason,
  type ConnectionCommand,
  type DisconnectReason,
  type RegisterCommand,
  type SubscribeCommand,
} from '../protocol/control/index.ts';
import type { SubscribeOptions, Subscription } from '../kernel/index.ts';
import { LineConnection } from '../transport/index.ts';
import { Budget } from './budget.ts';
import type { ControlPeer } from './contract.ts';
import { fanOut, gapLine, type Item } from './fan-out.ts';
import { negotiate } from './negotiate.ts';
import { RequestTable, readEnvelope, readRequestId, type Envelope } from './requests.ts';
import { SEED_COMMANDS, seedError, seedEventList, seedRegistered, seedSnapshot } from './seed-mode.ts';
import type { Registrant, ServerContext } from './server-context.ts';
import { isConnectionCommand, isRegister, notRegistered } from './vocabulary.ts';

/** A reply's fields beside `reply` and `ok`. */
type Answer = { version: number } & Record<string, unknown>;

/** Events of one event_list when the client names no number. */
const EVENT_LIST_COUNT = 10_000;

export class ServerConnection<C extends { cmd: string }> implements Registrant {
  readonly #context: ServerContext<C>;
  readonly #connection: LineConnection;
  readonly #requests = new RequestTable();
  readonly #lines: Budget;
  readonly #errors: Budget;
  #peer: ControlPeer | null = null;
  #subscription: Subscription<{ event: string }> | null = null;
  #disconnect: DisconnectReason | null = null;
  #cancelRegister: () => void;
  #ended = false;
  /** It named a protocol: no seed connection. */
  #ours = false;
  #ready: () => void = () => {};

  constructor(stream: Duplex, context: ServerContext<C>) {
    this.#context = context;
    this.#lines = new Budget(context.clock, context.limits.lines);
    this.#errors = new Budget(context.clock, context.limits.errors);
    this.#connection = new LineConnection(
      stream,
      {
        line: (line) => this.#receive(line),
        drained: () => {
          this.#ready();
          this.#throttle();
        },
        refused: (error) => {
          this.#complain(error, undefined, true);
          this.#sayClosed('line_too_long');
        },
        closed: (error) => this.#gone(error),
      },
      { clock: context.clock },
    );
    this.#cancelRegister = context.clock.after(context.limits.registerMs, () => {
      this.#complain(
        new HoldfastError('not_registered', `no registration within ${context.limits.registerMs} ms`),
        undefined,
        true,
      );
      this.end('register_timeout');
    });
  }

  /** Null until registered. */
  get peer(): ControlPeer | null {
    return this.#peer;
  }

  /** Tells the client why, then closes. */
  end(reason: CloseReason): void {
    if (this.#ended) return;
    this.#sayClosed(reason);
    this.#hangUp(reason === 'superseded' || reason === 'shutdown' ? reason : 'closed');
  }

  #receive(line: Buffer): void {
    if (!this.#lines.spend()) {
      this.end('flood');
      return;
    }
    let fields: Record<string, unknown>;
    let id: string | undefined;
    try {
      fields = parseControlLine(line);
      id = readRequestId(fields);
      this.#requests.begin(id);
    } catch (error) {
      // Without a usable id of its own the line gets no reply, only a private error.
      this.#refuse(HoldfastError.from(error), undefined);
      return;
    }
    try {
      this.#dispatch(fields, id);
    } catch (error) {
      this.#refuse(HoldfastError.from(error), id);
      this.#requests.finish(id);
    }
    this.#throttle();
  }

  /** Starts a command; `#requests.finish` follows exactly once, here or in `#run`. */
  #dispatch(fields: Record<string, unknown>, id: string | undefined): void {
    const cmd = fields['cmd'];
    if (this.#peer === null && cmd !== 'register') throw notRegistered(cmd);
    if (this.#isSeed() && !SEED_COMMANDS.has(String(cmd))) {
      throw new HoldfastError('unknown_command', `${String(cmd).slice(0, limits.NAME_BYTES)} is no command here`, {
        field: 'cmd',
      });
    }
    const command = this.#context.service.parse(fields);
    const envelope = readEnvelope(fields, id);
    if (isRegister(command)) {
      this.#register(command, id);
      this.#requests.finish(id);
      return;
    }
    void this.#run(command, envelope).finally(() => {
      this.#requests.finish(id);
      this.#throttle();
    });
  }

  #register(command: RegisterCommand, id: string | undefined): void {
    if (this.#peer !== null) throw new HoldfastError('already_registered', 'this connection is registered already');
    this.#ours = command.protocol !== undefined;
    const peer =
      command.protocol === undefined ? this.#seedPeer(command) : this.#ourPeer(command, command.protocol, id);
    if (peer === null) return;
    this.#cancelRegister();
    this.#peer = peer;
    const { service } = this.#context;
    if (peer.protocol !== null) this.#context.claimClient(peer.client_id, this);
    service.connected(peer).catch(() => undefined);
    const { version, epoch } = service.current();
    const { identity } = service;
    if (peer.protocol === null) {
      this.#connection.send(seedRegistered(Number(peer.client_id), identity, version));
      this.#subscribeSeed(version, epoch);
      return;
    }
    this.#connection.send({
      event: 'registered',
      client_id: peer.client_id,
      launcher_pid: identity.pid,
      launcher_version: identity.version,
      version,
      protocol: peer.protocol,
      epoch,
      capabilities: identity.capabilities,
      limits: identity.limits,
    });
    if (id !== undefined) this.#reply(id, { version, epoch, protocol: peer.protocol, client_id: peer.client_id });
  }

  #seedPeer({ kind, pid, version }: RegisterCommand): ControlPeer {
    // The socket's mode is a seed connection's authorisation, as it was the seed's.
    if (!this.#context.claimSeedPid(pid, this)) {
      throw new HoldfastError('already_registered', `pid ${pid} is registered already`);
    }
    return { client_id: String(this.#context.nextSeedId()), pid, kind, version, protocol: null };
  }

  /** Null when the client was refused and is being closed. */
  #ourPeer(command: RegisterCommand, range: [number, number], id: string | undefined): ControlPeer | null {
    if (command.client_id === undefined)
      throw new HoldfastError('invalid_argument', 'client_id is missing', { field: 'client_id' });
    if (!this.#context.tokenMatches(command.token ?? '')) {
      const error = new HoldfastError('bad_token', 'the token is not the one in run/secret of this home', {
        field: 'token',
      });
      this.#answerError(error, id, true);
      this.end('bad_token');
      return null;
    }
    let protocol: number;
    try {
      protocol = negotiate(CONTROL_PROTOCOL, range);
    } catch (error) {
      this.#answerError(HoldfastError.from(error), id, true);
      this.#hangUp('closed');
      return null;
    }
    return { client_id: command.client_id, pid: command.pid, kind: command.kind, version: command.version, protocol };
  }

  /** Never rejects. */
  async #run(command: ConnectionCommand | C, envelope: Envelope): Promise<void> {
    const id = envelope.request_id;
    try {
      const answer = isConnectionCommand(command)
        ? await this.#serve(command, id)
        : await this.#execute(command, envelope);
      if (answer !== null && id !== undefined) this.#reply(id, answer);
      if (command.cmd === 'goodbye') this.#hangUp('goodbye');
    } catch (error) {
      this.#answerError(HoldfastError.from(error), id, false);
    }
  }

  async #execute(command: C, { idempotency_key, expected_version }: Envelope): Promise<Answer> {
    const peer = this.#peer!;
    const { version, result } = await this.#context.service.execute(command, {
      actor: { client_id: peer.client_id, pid: peer.pid, kind: peer.kind },
      ...(idempotency_key === undefined ? {} : { idempotency_key }),
      ...(expected_version === undefined ? {} : { expected_version }),
    });
    return { version, ...result };
  }

  /** The connection's own commands. Null: the answer was an event, or is on its way. */
  async #serve(command: ConnectionCommand, id: string | undefined): Promise<Answer | null> {
    const { service } = this.#context;
    const { version } = service.current();
    switch (command.cmd) {
      case 'subscribe':
        return this.#subscribe(command, id);
      case 'unsubscribe':
        this.#subscription?.close();
        this.#subscription = null;
        return { version };
      case 'get_events':
        return this.#tell('event_list', await this.#events(command), id);
      case 'get_srv_snapshot': {
        const snapshot = service.snapshot();
        if (this.#isSeed()) this.#connection.send(seedSnapshot(snapshot.version));
        else return this.#tell('srv_snapshot', snapshot, id);
        return null;
      }
      case 'get_status':
        return { version, status: await service.status() };
      case 'shutdown':
        await service.shutdown(command.sessions ?? false, this.#peer!);
        return { version };
      case 'ping': {
        const nonce = command.nonce === undefined ? {} : { nonce: command.nonce };
        return this.#tell('pong', { version, ...nonce }, id);
      }
      case 'goodbye':
        return { version };
    }
  }

  /** An answer with an event's name: the event itself to a client that asked without an id. */
  #tell(event: string, answer: Answer, id: string | undefined): Answer | null {
    if (id !== undefined) return answer;
    this.#connection.send({ event, ...answer });
    return null;
  }

  async #events({ since = 0, epoch, max }: Extract<ConnectionCommand, { cmd: 'get_events' }>): Promise<Answer> {
    const { service } = this.#context;
    const count = Math.min(max ?? EVENT_LIST_COUNT, EVENT_LIST_COUNT);
    const list = await service.readEvents(since, epoch, count, limits.EVENT_LIST_BYTES);
    const current = service.current();
    if (this.#isSeed()) return { version: current.version, events: seedEventList(list.events, []) };
    return {
      version: current.version,
      epoch: current.epoch,
      events: list.events,
      complete: list.complete,
      next: list.next,
    };
  }

  /** Replay from a cursor that is still valid, else a snapshot if one is wanted, then live. */
  #subscribe({ topics, since, epoch, snapshot }: SubscribeCommand, id: string | undefined): null {
    if (this.#subscription !== null) {
      throw new HoldfastError('conflict', 'this connection has a subscription; unsubscribe first');
    }
    const { service } = this.#context;
    const filter: SubscribeOptions = topics === undefined ? {} : { topics };
    let first: ReturnType<typeof service.snapshot> | null = null;
    let subscription: Subscription<{ event: string }> | null = null;
    if (since !== undefined) {
      try {
        subscription = service.subscribe({ ...filter, since, ...(epoch === undefined ? {} : { epoch }) });
      } catch (error) {
        if (snapshot !== true || HoldfastError.from(error).code !== 'epoch_unknown') throw error;
      }
    }
    if (subscription === null && (snapshot === true || since !== undefined)) first = service.snapshot();
    const start = first ?? service.current();
    subscription ??= service.subscribe({ ...filter, since: start.version, epoch: start.epoch });
    if (id !== undefined)
      this.#reply(id, { subscribed: true, version: since !== undefined && first === null ? since : start.version });
    if (first !== null) this.#connection.send({ event: 'srv_snapshot', ...first });
    this.#follow(subscription, (item) =>
      item.type === 'event' ? this.#context.texts.line(item.event, item.prev) : gapLine(item),
    );
    return null;
  }

  #subscribeSeed(since: number, epoch: string): void {
    const topics = [] as string[];
    if (topics.length === 0) return;
    const subscription = this.#context.service.subscribe({ topics, since, epoch });
    this.#follow(subscription, (item) => (item.type === 'event' ? JSON.stringify(item.event) : null));
  }

  #follow(subscription: Subscription<{ event: string }>, toLine: (item: Item) => string | null): void {
    this.#subscription = subscription;
    const sink = { sendText: (line: string) => this.#connection.sendText(line), ready: () => this.#untilWritable() };
    fanOut(subscription, sink, toLine).catch((error: unknown) => {
      this.#complain(HoldfastError.from(error), undefined, true);
      this.end('lagging');
    });
  }

  #untilWritable(): Promise<void> {
    if (this.#ended || this.#connection.writable) return Promise.resolve();
    return new Promise((resolve) => {
      this.#ready = resolve;
    });
  }

  /** A line against the rules of the wire: answered, and counted. */
  #refuse(error: HoldfastError, id: string | undefined): void {
    const fatal = error.details['fatal'] === true;
    this.#answerError(error, id, fatal);
    if (fatal) this.#hangUp('closed');
    else if (!this.#errors.spend()) this.end('too_many_errors');
  }

  #answerError(error: HoldfastError, id: string | undefined, fatal: boolean): void {
    if (id === undefined || this.#isSeed()) this.#complain(error, id, fatal);
    else this.#send({ reply: id, ok: false, error: error.toWire() });
  }

  /** A private error event, in the seed's form to whoever is not known to be ours. */
  #complain(error: HoldfastError, id: string | undefined, fatal: boolean): void {
    const { code, message, field, retryable, details } = error.toWire();
    if (id === undefined && !this.#ours) this.#send(seedError(code, message, fatal));
    else
      this.#send({
        event: 'error',
        code,
        message,
        fatal,
        version: 0,
        ...(field === undefined ? {} : { field }),
        retryable,
        details,
      });
  }

  #reply(id: string, answer: Answer): void {
    try {
      this.#connection.send({ reply: id, ok: true, ...answer });
    } catch (error) {
      this.#send({ reply: id, ok: false, error: HoldfastError.from(error).toWire() });
    }
  }

  #send(message: object): void {
    if (!this.#ended) this.#connection.send(message);
  }

  #sayClosed(reason: CloseReason): void {
    if (!this.#isSeed()) this.#send({ event: 'closed', reason });
  }

  #isSeed(): boolean {
    return this.#peer !== null && this.#peer.protocol === null;
  }

  /** Reads only while replies flow and not too much is under way. */
  #throttle(): void {
    if (this.#requests.size >= this.#context.limits.requests || !this.#connection.writable) this.#connection.pause();
    else if (!this.#ended) this.#connection.resume();
  }

  #hangUp(reason: DisconnectReason): void {
    this.#disconnect ??= reason;
    this.#ended = true;
    this.#subscription?.close();
    this.#ready();
    this.#connection.close();
  }

  #gone(error: HoldfastError | null): void {
    this.#ended = true;
    this.#cancelRegister();
    this.#subscription?.close();
    this.#ready();
    this.#context.gone(this);
    if (this.#peer !== null)
      this.#context.service.disconnected(this.#peer, this.#disconnect ?? (error === null ? 'eof' : 'error'));
  }
}
