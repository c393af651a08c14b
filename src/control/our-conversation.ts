/** A connection of ours: requests and their replies, one subscription, private events for what names no request. */
import { HoldfastError, limits } from '../protocol/index.ts';
import type { CloseReason, ConnectionCommand, SubscribeCommand } from '../protocol/control/index.ts';
import type { SubscribeOptions, Subscription } from '../kernel/index.ts';
import type { ControlPeer, ControlService } from './contract.ts';
import { alreadyRegistered, type Conversation, EVENT_LIST_COUNT, isFatal, type Wire } from './conversation.ts';
import { type EventTexts, fanOut, gapLine } from './fan-out.ts';
import { type Envelope, readEnvelope, readRequestId, type RequestTable } from './requests.ts';
import { checkScope } from './scope.ts';
import { isConnectionCommand, isRegister } from './vocabulary.ts';

/** What a cursor is refused with that this history does not have. */
const BAD_CURSOR: ReadonlySet<string> = new Set(['epoch_unknown', 'offset_ahead']);

/** A reply's fields beside `reply` and `ok`. */
export type Answer = { version: number } & Record<string, unknown>;

export class OurConversation<C extends { cmd: string }> implements Conversation {
  readonly #service: ControlService<C>;
  readonly #texts: EventTexts;
  readonly #wire: Wire;
  readonly #peer: ControlPeer;
  readonly #requests: RequestTable;
  #subscription: Subscription<{ event: string }> | null = null;

  constructor(service: ControlService<C>, texts: EventTexts, wire: Wire, peer: ControlPeer, requests: RequestTable) {
    this.#service = service;
    this.#texts = texts;
    this.#wire = wire;
    this.#peer = peer;
    this.#requests = requests;
  }

  get load(): number {
    return this.#requests.size;
  }

  take(fields: Record<string, unknown>): void {
    // Without a usable id of its own the line gets no reply, only a private error.
    const id = readRequestId(fields);
    this.#requests.begin(id);
    try {
      const command = this.#service.parse(fields);
      if (isRegister(command)) throw alreadyRegistered();
      if (this.#peer.session_id !== null) checkScope(command.cmd);
      void this.#run(command, readEnvelope(fields, id)).finally(() => this.#finished(id)); // Never rejects.
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      this.#answerError(error, id, isFatal(error));
      this.#finished(id);
      this.#wire.refused(error);
    }
  }

  complain(error: HoldfastError, fatal: boolean): void {
    this.#wire.send(ourError(error, fatal));
  }

  sayClosed(reason: CloseReason): void {
    this.#wire.send({ event: 'closed', reason });
  }

  close(): void {
    this.#subscription?.close();
  }

  /** The reply to a request, once: it is counted as answered. */
  reply(id: string, answer: Answer): void {
    try {
      this.#wire.send({ reply: id, ok: true, ...answer });
    } catch (error) {
      this.#wire.send(failure(id, HoldfastError.from(error)));
    }
  }

  #answerError(error: HoldfastError, id: string | undefined, fatal: boolean): void {
    if (id === undefined) this.complain(error, fatal);
    else this.#wire.send(failure(id, error));
  }

  #finished(id: string | undefined): void {
    this.#requests.finish(id);
    this.#wire.finished();
  }

  /** Never rejects. */
  async #run(command: ConnectionCommand | C, envelope: Envelope): Promise<void> {
    const id = envelope.request_id;
    try {
      const answer = isConnectionCommand(command)
        ? await this.#serve(command, id)
        : await this.#execute(command, envelope);
      if (answer !== null && id !== undefined) this.reply(id, answer);
      if (command.cmd === 'goodbye') this.#wire.hangUp('goodbye');
    } catch (error) {
      this.#answerError(HoldfastError.from(error), id, false);
    }
  }

  async #execute(command: C, { idempotency_key, expected_version }: Envelope): Promise<Answer> {
    const { client_id, pid, kind, session_id } = this.#peer;
    const { version, result } = await this.#service.execute(command, {
      actor: { client_id, pid, kind, ...(session_id === null ? {} : { session_id }) },
      ...(idempotency_key === undefined ? {} : { idempotency_key }),
      ...(expected_version === undefined ? {} : { expected_version }),
    });
    return { version, ...result };
  }

  /** The connection's own commands. Null: the answer was an event, or is on its way. */
  async #serve(command: ConnectionCommand, id: string | undefined): Promise<Answer | null> {
    const { version } = this.#service.current();
    switch (command.cmd) {
      case 'subscribe':
        return this.#subscribe(command, id);
      case 'unsubscribe':
        this.#subscription?.close();
        this.#subscription = null;
        return { version };
      case 'get_events':
        return this.#tell('event_list', await this.#events(command), id);
      case 'get_srv_snapshot':
        return this.#tell('srv_snapshot', this.#service.snapshot(), id);
      case 'get_status':
        return { version, status: await this.#service.status() };
      case 'shutdown':
        await this.#service.shutdown(command.sessions ?? false, this.#peer);
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
    this.#wire.send({ event, ...answer });
    return null;
  }

  async #events({ since = 0, epoch, max }: Extract<ConnectionCommand, { cmd: 'get_events' }>): Promise<Answer> {
    const count = Math.min(max ?? EVENT_LIST_COUNT, EVENT_LIST_COUNT);
    const list = await this.#service.readEvents(since, epoch, count, limits.EVENT_LIST_BYTES);
    const { events, complete, next } = list;
    const current = this.#service.current();
    // More may have been committed since: a complete list is that of its last version.
    return { ...current, version: complete ? next : current.version, events, complete, next };
  }

  /** Replay from a cursor that is still valid, else a snapshot if one is wanted, then live. */
  #subscribe({ topics, since, epoch, snapshot }: SubscribeCommand, id: string | undefined): null {
    if (this.#subscription !== null) {
      throw new HoldfastError('conflict', 'this connection has a subscription; unsubscribe first');
    }
    const service = this.#service;
    const filter: SubscribeOptions = topics === undefined ? {} : { topics };
    let first: ReturnType<typeof service.snapshot> | null = null;
    let subscription: Subscription<{ event: string }> | null = null;
    if (since !== undefined) {
      try {
        subscription = service.subscribe({ ...filter, since, ...(epoch === undefined ? {} : { epoch }) });
      } catch (error) {
        if (snapshot !== true || !BAD_CURSOR.has(HoldfastError.from(error).code)) throw error;
      }
    }
    if (subscription === null && (snapshot === true || since !== undefined)) first = service.snapshot();
    const start = first ?? service.current();
    subscription ??= service.subscribe({ ...filter, since: start.version, epoch: start.epoch });
    this.#subscription = subscription;
    if (id !== undefined)
      this.reply(id, { subscribed: true, version: since !== undefined && first === null ? since : start.version });
    if (first !== null) this.#wire.send({ event: 'srv_snapshot', ...first });
    this.#follow(subscription);
    return null;
  }

  #follow(subscription: Subscription<{ event: string }>): void {
    fanOut(subscription, this.#wire, {
      toLine: (item) => (item.type === 'event' ? this.#texts.line(item.event, item.prev) : gapLine(item)),
    }).catch((error: unknown) => {
      this.complain(HoldfastError.from(error), true);
      this.#wire.end('lagging');
    });
  }
}

export function ourError(error: HoldfastError, fatal: boolean): object {
  const { code, message, field, retryable, details } = error.toWire();
  const where = field === undefined ? {} : { field };
  return { event: 'error', code, message, fatal, version: 0, ...where, retryable, details };
}

export function failure(id: string, error: HoldfastError): object {
  return { reply: id, ok: false, error: error.toWire() };
}
