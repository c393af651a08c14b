import type { AgentProfile, Explanation } from '../protocol/agent/index.ts';
import type {
  AgentRecord,
  AgentsCommand,
  ProfileRecord,
  SessionRecord,
  WorktreeState,
} from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import { given } from './change.ts';
import type { CallOptions } from './control-calls.ts';
import type { EventsOptions, EventStream } from './events.ts';
import type { AgentContext, WaitOptions } from './messages.ts';
import { type Condition, SESSION_TOPICS } from './watch.ts';

/** `idle`: would take a message; `blocked`: needs a person; `done`: told that its turn is finished; `exited`: gone. */
export type AgentTarget = 'idle' | 'blocked' | 'done' | 'exited';

export type PolicyGiven = Extract<AgentsCommand, { cmd: 'set_restart_policy' }>['policy'];

export interface AgentsContext extends AgentContext {
  events: (options: EventsOptions) => Promise<EventStream>;
  session: (session: string, signal?: AbortSignal) => Promise<SessionRecord>;
}

export interface WorktreeFacts {
  worktree: WorktreeState;
  patch: string;
  truncated: boolean;
}

export interface AnswerOptions extends CallOptions {
  /** Default: the only open one; `ambiguous` when there are several. */
  request?: string | undefined;
  /** For a choice that takes text, and for questions without choices. */
  text?: string | undefined;
}

/** What is said when an agent's state, or what it asks, changes. */
export const TRANSITION_TOPICS = [
  'agent_created',
  'agent_status_changed',
  'agent_requested',
  'agent_request_closed',
  'agent_parked',
  'agent_unparked',
  'agent_restarting',
  'agent_replaced',
];

const REQUEST_MS = 2_000;

const MET: Record<Exclude<AgentTarget, 'exited'>, (record: AgentRecord) => boolean> = {
  idle: ({ status }) => (status.activity === 'idle' || status.activity === 'done') && status.attention === 'none',
  blocked: ({ status }) => status.attention !== 'none',
  done: ({ status }) => status.activity === 'done',
};

/**
 * Agents: sessions that run an agent CLI. `session` is a session's id, a unique prefix of one, or a name; an older session
 * of an agent means its current one. A session without an agent is `conflict`.
 */
export class Agents {
  readonly #context: AgentsContext;

  constructor(context: AgentsContext) {
    this.#context = context;
  }

  async list(options: CallOptions = {}): Promise<AgentRecord[]> {
    return (await this.#context.read({ cmd: 'list_agents' }, options))['agents'] as AgentRecord[];
  }

  async get(session: string, options: CallOptions = {}): Promise<AgentRecord> {
    return agentOf(await this.#context.read({ cmd: 'get_agent', session }, options));
  }

  /** Every piece of evidence of its status, and why it won or lost. */
  async explain(session: string, options: CallOptions = {}): Promise<Explanation> {
    const reply = await this.#context.read({ cmd: 'explain_agent', session }, options);
    return reply['explanation'] as Explanation;
  }

  async profiles(options: CallOptions = {}): Promise<ProfileRecord[]> {
    return (await this.#context.read({ cmd: 'list_profiles' }, options))['profiles'] as ProfileRecord[];
  }

  async profile(profile: string, options: CallOptions = {}): Promise<AgentProfile> {
    return (await this.#context.read({ cmd: 'get_profile', profile }, options))['profile'] as AgentProfile;
  }

  /**
   * Answers what the agent asks a person. `choice`: id of one of the request's choices, or by its meaning `allow`, `deny`
   * or `allow_always`. Resolves when the agent has taken the answer.
   */
  async answer(
    session: string,
    choice: string,
    options: AnswerOptions = {},
  ): Promise<{ request_id: string; choice: string }> {
    const { request, text, ...rest } = options;
    const command: AgentsCommand = { cmd: 'answer_request', session, choice, ...given({ request, text }) };
    const reply = await this.#context.change(command, rest);
    return { request_id: reply['request_id'] as string, choice: reply['choice'] as string };
  }

  /** Stops the turn under way; its message, if there is one, ends `cancelled`. */
  interrupt(session: string, options: CallOptions = {}): Promise<AgentRecord> {
    return this.#changed({ cmd: 'interrupt_agent', session }, options);
  }

  /** Starts an agent that has ended again, in its conversation. `force`: also where its last session left something. */
  resume(session: string, options: CallOptions & { force?: boolean | undefined } = {}): Promise<AgentRecord> {
    const { force, ...rest } = options;
    return this.#changed({ cmd: 'resume_agent', session, ...given({ force }) }, rest);
  }

  /** Ends the agent's session and resumes it in a new one. */
  restart(session: string, options: CallOptions & { reason?: string | undefined } = {}): Promise<AgentRecord> {
    const { reason, ...rest } = options;
    return this.#changed({ cmd: 'restart_agent', session, ...given({ reason }) }, rest);
  }

  /** What is left out of `policy` has its default: at most 5 restarts in 10 minutes, 1 s apart and up to 5 minutes. */
  setRestartPolicy(session: string, policy: PolicyGiven, options: CallOptions = {}): Promise<AgentRecord> {
    return this.#changed({ cmd: 'set_restart_policy', session, policy }, options);
  }

  /** No messages and no restarts until `unpark`. */
  park(session: string, options: CallOptions = {}): Promise<AgentRecord> {
    return this.#changed({ cmd: 'park_agent', session }, options);
  }

  unpark(session: string, options: CallOptions = {}): Promise<AgentRecord> {
    return this.#changed({ cmd: 'unpark_agent', session }, options);
  }

  /** What only the agent's worktree has; with `diff` as a patch, too, cut at 1 MiB. `not_found` when it has none. */
  async worktree(session: string, options: CallOptions & { diff?: boolean } = {}): Promise<WorktreeFacts> {
    const { diff, ...rest } = options;
    const reply = await this.#context.read({ cmd: 'get_worktree', session, ...given({ diff }) }, rest);
    const { worktree, patch = '', truncated = false } = reply as Partial<WorktreeFacts>;
    return { worktree: worktree as WorktreeState, patch, truncated };
  }

  /** The branch stays while it has commits of its own. `conflict` while the agent runs, or work would be lost. */
  removeWorktree(session: string, options: CallOptions = {}): Promise<AgentRecord> {
    return this.#changed({ cmd: 'remove_worktree', session }, options);
  }

  /** Returns at once when it is so already. `session_exited` when the agent is gone and nothing will bring it back. */
  async waitFor(
    session: string,
    target: Exclude<AgentTarget, 'exited'>,
    options: WaitOptions = {},
  ): Promise<AgentRecord> {
    // A name may pass to another session while this waits: the agent is meant.
    const { agent_id } = await this.get(session, { signal: options.signal });
    const late = (): HoldfastError =>
      new HoldfastError('timeout', `agent ${session} is not ${target} after ${options.timeoutMs} ms`);
    const record = await this.#until(agent_id, target, MET[target], options, late);
    const { attention } = record.status;
    if (record.requests.length > 0 || (attention !== 'permission' && attention !== 'question')) return record;
    // A hook tells that the agent asks before the screen shows what: whoever waited wants to answer it.
    const waiting = { signal: options.signal, timeoutMs: REQUEST_MS };
    return this.#until(agent_id, target, ({ requests }) => requests.length > 0, waiting, late).catch(
      (error: unknown) => {
        if (HoldfastError.from(error).code !== 'timeout') throw error;
        return record;
      },
    );
  }

  /** Every change of every agent's state, in order; see `TRANSITION_TOPICS`. */
  transitions(options: Omit<EventsOptions, 'topics'> = {}): Promise<EventStream> {
    return this.#context.events({ ...options, topics: TRANSITION_TOPICS });
  }

  #until(
    agentId: string,
    target: AgentTarget,
    met: (record: AgentRecord) => boolean,
    options: WaitOptions,
    late: () => HoldfastError,
  ): Promise<AgentRecord> {
    const condition: Condition<AgentRecord> = {
      topics: [...TRANSITION_TOPICS, ...SESSION_TOPICS],
      concerns: (event) => event['agent_id'] === undefined || event['agent_id'] === agentId,
      look: async (signal) => {
        const record = await this.get(agentId, { signal });
        if (met(record)) return record;
        if (record.status.activity === 'dead' && (await this.#isOver(record, signal))) throw gone(record, target);
        return undefined;
      },
    };
    return this.#context.wait(condition, options, late);
  }

  async #changed(command: AgentsCommand, options: CallOptions): Promise<AgentRecord> {
    return agentOf(await this.#context.change(command, options));
  }

  /** Whether the agent's policy leaves it dead. */
  async #isOver({ session_id, policy, parked }: AgentRecord, signal: AbortSignal | undefined): Promise<boolean> {
    if (policy.when === 'never' || parked !== null) return true;
    const { exit } = await this.#context.session(session_id, signal);
    return policy.when === 'on_failure' && exit?.code === 0;
  }
}

function gone({ name, session_id }: AgentRecord, target: AgentTarget): HoldfastError {
  return new HoldfastError(
    'session_exited',
    `agent ${name ?? session_id} has ended and will not be ${target}; bring it back with: holdfast resume ${name ?? session_id}`,
  );
}

function agentOf(reply: { [key: string]: unknown }): AgentRecord {
  return reply['agent'] as AgentRecord;
}
