/** What the agent asks a person, until it is answered or goes away. */
import { HoldfastError, invalid } from '../../../protocol/errors.ts';
import type { AgentRequest, RequestChoice } from '../../../protocol/agent/index.ts';
import { type Clock, withDeadline } from '../../../runtime/index.ts';
import type { Outcome, RequestReply } from './contract.ts';

export interface RequestHandlers {
  opened(request: AgentRequest): void;
  closed(request: AgentRequest, how: 'answered' | 'withdrawn', answer: string | null): void;
}

interface Open {
  request: AgentRequest;
  reply(reply: RequestReply): Promise<Outcome>;
  answering: boolean;
}

/** For the kernel to take an answer whose reader is busy. */
const ANSWER_MS = 5_000;
/** More at once come from an agent that has lost its mind: they are refused. */
const OPEN_COUNT = 64;

export class Requests {
  readonly #clock: Clock;
  readonly #handlers: RequestHandlers;
  readonly #open = new Map<string, Open>();

  constructor(clock: Clock, handlers: RequestHandlers) {
    this.#clock = clock;
    this.#handlers = handlers;
  }

  get all(): readonly AgentRequest[] {
    return [...this.#open.values()].map(({ request }) => request);
  }

  add(request: AgentRequest, reply: Open['reply']): void {
    if (this.#open.has(request.request_id) || this.#open.size >= OPEN_COUNT) {
      void reply(null);
      return;
    }
    this.#open.set(request.request_id, { request, reply, answering: false });
    this.#handlers.opened(request);
  }

  /** Resolves when the agent's input has the answer. Throws as `AgentDriver.answer` says. */
  async answer(requestId: string, wanted: string, text: string | undefined): Promise<void> {
    const open = this.#open.get(requestId);
    if (open === undefined)
      throw new HoldfastError('not_found', `there is no open request ${requestId}`, { field: 'request_id' });
    const choice = choose(open.request, wanted, text);
    if (open.answering)
      throw new HoldfastError('conflict', `request ${requestId} is being answered`, { field: 'request_id' });
    open.answering = true;
    try {
      const outcome = await withDeadline(
        this.#clock,
        ANSWER_MS,
        open.reply({ choice, text: text ?? '' }),
        () => new HoldfastError('timeout', 'the agent does not read its input', { details: { after_ms: ANSWER_MS } }),
      );
      if (outcome === 'closed' || this.#open.get(requestId) !== open) throw gone(requestId);
    } finally {
      open.answering = false;
    }
    this.#open.delete(requestId);
    this.#handlers.closed(open.request, 'answered', choice?.label ?? text ?? '');
  }

  withdraw(requestId: string): void {
    const open = this.#open.get(requestId);
    if (open === undefined) return;
    this.#open.delete(requestId);
    // An answer on its way is too late, and the one who gave it is told so.
    if (!open.answering) void open.reply(null);
    this.#handlers.closed(open.request, 'withdrawn', null);
  }

  withdrawAll(): void {
    for (const requestId of this.#open.keys()) this.withdraw(requestId);
  }
}

/** By id, else by what it means. Null: the text is the answer. */
function choose(request: AgentRequest, wanted: string, text: string | undefined): RequestChoice | null {
  const { choices } = request;
  const found = choices.find(({ id }) => id === wanted) ?? choices.find(({ meaning }) => meaning === wanted);
  if (found !== undefined) return found;
  if (choices.length === 0 && text !== undefined && text !== '') return null;
  const named = choices.map(({ id }) => id).join(', ');
  throw invalid('choice', named === '' ? 'this request is answered with a text' : `choose one of ${named}`, {
    choices: choices.map(({ id }) => id),
  });
}

function gone(requestId: string): HoldfastError {
  return new HoldfastError('conflict', `request ${requestId} went away meanwhile`, { field: 'request_id' });
}
