import type { Activity, MessagePriority, MessageState } from '../protocol/agent/index.ts';
import type { AgentsCommand, MessageRecord, SuccessReply } from '../protocol/control/index.ts';
import { HoldfastError, limits, type WireError } from '../protocol/index.ts';
import { given } from './change.ts';
import type { CallOptions } from './control-calls.ts';
import type { Condition } from './watch.ts';

/** What the nouns about agents need of a client. */
export interface AgentContext {
  read: (command: AgentsCommand, options: CallOptions) => Promise<SuccessReply>;
  change: (command: AgentsCommand, options: CallOptions) => Promise<SuccessReply>;
  wait: <T>(condition: Condition<T>, options: WaitOptions, late: () => HoldfastError) => Promise<T>;
  newId: () => string;
}

export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** Ms until `timeout`; default: for ever. What is waited for goes on. */
  timeoutMs?: number | undefined;
}

export interface SendOptions extends CallOptions {
  /** A ULID: the same id again is the same message. Default: a new one. */
  id?: string | undefined;
  /** Default `normal`. */
  priority?: MessagePriority | undefined;
  /** Ms it may wait to be taken, then `expired`. Default: a day. */
  ttlMs?: number | undefined;
  /** Ms the agent has to answer from its delivery on, then `failed`. Default: 2 h. */
  answerMs?: number | undefined;
  /** The message this one answers. */
  replyTo?: string | undefined;
}

/** Which agents a broadcast is for. Every field that is given must hold. */
export interface AgentSelection {
  /** Name of a profile. */
  agent?: string | undefined;
  sessions?: string[] | undefined;
  activity?: Activity | undefined;
  all?: true | undefined;
}

export interface Broadcast {
  messages: { session_id: string; message_id: string }[];
  refused: { session_id: string; error: WireError }[];
}

/** For the answer to come after all that srv waits. */
const LONG_LOOK_MS = limits.MESSAGE_WAIT_MS + 30_000;
const OPEN: ReadonlySet<MessageState> = new Set<MessageState>(['accepted', 'delivering', 'delivered']);

/** Whether a message has its outcome. */
export function isClosed({ state }: { state: MessageState }): boolean {
  return !OPEN.has(state);
}

/** Messages to agents: durable when `send` resolves, and each with exactly one outcome (P6). */
export class Messages {
  readonly #context: AgentContext;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  /**
   * Hands a message over; resolves when it is durable, not when it is delivered. `to`: a session's id, a unique prefix
   * of one, or a name. Throws `conflict` where no agent runs, `session_exited` for one that is gone, `too_large`, `busy`
   * when its inbox is full.
   */
  async send(to: string, body: string, options: SendOptions = {}): Promise<{ id: string; state: MessageState }> {
    const { id = this.#context.newId(), priority, ttlMs, answerMs, replyTo, ...rest } = options;
    const extra = given({ priority, ttl_ms: ttlMs, answer_ms: answerMs, reply_to: replyTo });
    const reply = await this.#context.change({ cmd: 'send_message', to, body, message_id: id, ...extra }, rest);
    return { id: reply['message_id'] as string, state: reply['state'] as MessageState };
  }

  /** Sends and waits for the outcome, whatever it is: look at `state`. */
  async ask(to: string, body: string, options: SendOptions & WaitOptions = {}): Promise<MessageRecord> {
    const { timeoutMs, ...rest } = options;
    const { id } = await this.send(to, body, rest);
    return this.wait(id, { timeoutMs, signal: options.signal });
  }

  /** The same to every agent of a selection; those that cannot take it are listed with the reason. */
  async broadcast(
    select: AgentSelection,
    body: string,
    options: Omit<SendOptions, 'id' | 'replyTo'> = {},
  ): Promise<Broadcast> {
    const { priority, ttlMs, answerMs, ...rest } = options;
    const extra = given({ priority, ttl_ms: ttlMs, answer_ms: answerMs });
    const reply = await this.#context.change({ cmd: 'broadcast_message', select: given(select), body, ...extra }, rest);
    return { messages: reply['messages'] as Broadcast['messages'], refused: reply['refused'] as Broadcast['refused'] };
  }

  /** With `waitMs`, at most a minute: when it has its outcome, or after so long. */
  async get(message: string, options: CallOptions & { waitMs?: number | undefined } = {}): Promise<MessageRecord> {
    const { waitMs, ...rest } = options;
    return messageOf(await this.#context.read({ cmd: 'get_message', message, ...given({ wait_ms: waitMs }) }, rest));
  }

  /** Newest last. `session`: those to that agent; `sent`: those this client's session sent. */
  async list(
    filter: {
      session?: string | undefined;
      state?: MessageState | undefined;
      sent?: true | undefined;
      limit?: number | undefined;
    } = {},
    options: CallOptions = {},
  ): Promise<MessageRecord[]> {
    const reply = await this.#context.read({ cmd: 'list_messages', ...given(filter) }, options);
    return reply['messages'] as MessageRecord[];
  }

  /** Takes a message back: from the queue at once, a turn under way is interrupted. `wait` tells what came of it. */
  async cancel(message: string, options: CallOptions = {}): Promise<MessageRecord> {
    return messageOf(await this.#context.change({ cmd: 'cancel_message', message }, options));
  }

  /** Waits for the outcome of a message, over any number of srv's restarts. */
  wait(message: string, options: WaitOptions = {}): Promise<MessageRecord> {
    const condition: Condition<MessageRecord> = {
      topics: ['message_closed'],
      concerns: (event) => typeof event['message_id'] !== 'string' || event['message_id'] === message,
      look: async (signal) => closedOnly(await this.get(message, { signal })),
      longLook: async (signal) =>
        closedOnly(await this.get(message, { signal, waitMs: limits.MESSAGE_WAIT_MS, deadlineMs: LONG_LOOK_MS })),
    };
    const late = (): HoldfastError =>
      new HoldfastError('timeout', `message ${message} has no outcome after ${options.timeoutMs} ms; it goes on`);
    return this.#context.wait(condition, options, late);
  }
}

function closedOnly(record: MessageRecord): MessageRecord | undefined {
  return isClosed(record) ? record : undefined;
}

function messageOf(reply: SuccessReply): MessageRecord {
  return reply['message'] as MessageRecord;
}
