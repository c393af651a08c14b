/** srv's half of agents, put together: what the control socket asks of them, their launches, courier and supervisor. */
import {
  type Agent,
  agentRecords,
  type AgentsState,
  type AgentStart,
  getMessage,
  listMessages,
  type ReadContext,
  selectAgent,
  senderOf,
  toAgentRecord,
} from '../../domains/agents/index.ts';
import { isLive, type Session } from '../../domains/sessions/index.ts';
import { sessionsViewOf, type SrvEvent } from '../../domains/srv/index.ts';
import type { Commit, CommandOptions, Recorded } from '../../kernel/index.ts';
import type { AgentsCommand, CreateSession, SessionRecord } from '../../protocol/control/index.ts';
import { sessionDirectory } from '../../protocol/home/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { BrokerContext } from '../broker-context.ts';
import type { Broker } from '../broker.ts';
import type { SrvKernel } from '../observer.ts';
import type { Worktrees } from '../worktrees/index.ts';
import { type AgentContract, hasContract, readContract, writeContract } from './contract-file.ts';
import { Courier } from './courier.ts';
import { type AgentLaunches, type Environment, startOfCommand } from './launch.ts';
import type { Profiles } from './profiles.ts';
import { Supervision } from './supervision.ts';
import { OutcomeWaiters } from './waiters.ts';
import { removeWorktree, worktreeState } from './worktree.ts';

export type Answer = { version: number; result: Record<string, unknown> };

export interface AgentsOptions {
  context: BrokerContext;
  kernel: SrvKernel;
  broker: Broker;
  profiles: Profiles;
  launches: AgentLaunches;
  worktrees: Worktrees;
}

type Command<K extends AgentsCommand['cmd']> = Extract<AgentsCommand, { cmd: K }>;

export class Agents {
  readonly courier: Courier;
  readonly #options: AgentsOptions;
  readonly #supervision: Supervision;
  readonly #waiters: OutcomeWaiters;

  constructor(options: AgentsOptions) {
    this.#options = options;
    const { context, kernel, broker, profiles } = options;
    this.courier = new Courier({
      paths: context.paths,
      clock: context.clock,
      journal: context.journal,
      agents: () => kernel.state.agents,
      over: (id) => causeOf(kernel.state.sessions.sessions.get(id)),
      observe: (command) => context.observer.observe(command),
      request: (id, command) => broker.request(id, command),
      profile: (name, version) => {
        try {
          return profiles.choose(name, version, 'profile');
        } catch {
          return null; // Taken out of config.toml while an agent of it runs.
        }
      },
    });
    this.#waiters = new OutcomeWaiters(context.clock);
    this.#supervision = new Supervision({
      context,
      kernel,
      broker,
      replace: (agent, how) => this.#replace(agent, how),
    });
  }

  /** Before sessions are adopted. */
  begin(): void {
    this.courier.begin();
    this.#supervision.begin();
  }

  react(events: readonly Recorded<SrvEvent>[]): void {
    this.courier.react(events);
    this.#supervision.react(events);
    for (const event of events) if (event.event === 'message_closed') this.#waiters.closed(event.message_id);
  }

  close(): void {
    this.courier.close();
    this.#supervision.close();
    this.#waiters.close();
  }

  /** Finds out, before it is decided, what a start depends on. */
  async prepare(command: CreateSession): Promise<void> {
    const start = startOfCommand(command);
    if (start === null || command.agent === undefined) return;
    await this.#options.launches.prepare(command.agent, start, command.env, command.cwd);
  }

  /** The session was just created, with an agent. */
  async launch(record: SessionRecord, command: CreateSession): Promise<void> {
    const start = startOfCommand(command);
    const agent = this.#state.agents.get(record.id);
    if (start === null || agent === undefined) return;
    try {
      if (agent.worktree !== null) await this.#createWorktree(agent, command);
    } catch (thrown) {
      const { code, message, field } = HoldfastError.from(thrown);
      const details = { cause: code };
      this.#options.broker.refuse(
        record.id,
        new HoldfastError('start_failed', message, { ...(field === undefined ? {} : { field }), details }),
      );
      return;
    }
    this.#start(agent, start, command.env);
  }

  async execute(command: AgentsCommand, options: CommandOptions): Promise<Answer> {
    const { kernel, profiles } = this.#options;
    const answer = (result: Record<string, unknown>): Answer => ({ version: kernel.version, result });
    const context: ReadContext = { actor: options.actor, sessions: sessionsViewOf(kernel.state.sessions) };
    switch (command.cmd) {
      case 'get_message':
        await this.#outcome(command, context);
        return answer({ message: getMessage(this.#state, command.message, context) });
      case 'list_messages':
        return answer({ messages: listMessages(this.#state, command, context) });
      case 'list_agents':
        return answer({ agents: agentRecords(this.#state) });
      case 'get_agent':
        return answer({ agent: toAgentRecord(this.#select(command.session)) });
      case 'list_profiles':
        return answer({ profiles: profiles.list() });
      case 'get_profile':
        return answer({ profile: profiles.choose(command.profile, null, 'profile') });
      case 'explain_agent':
        return answer({ explanation: await this.#explain(command) });
      case 'get_worktree': {
        const agent = this.#select(command.session);
        return answer(await worktreeState(this.#options.worktrees, agent, command.diff === true));
      }
      default:
        return this.#change(command, options);
    }
  }

  async #change(
    command: Exclude<AgentsCommand, { cmd: `get_${string}` | `list_${string}` | 'explain_agent' }>,
    options: CommandOptions,
  ): Promise<Answer> {
    const { kernel, broker, context } = this.#options;
    if (context.readOnly) throw new HoldfastError('storage_error', 'srv is in safe mode and changes nothing');
    const commit = await kernel.execute(command, options);
    // A stored reply: it was acted on when it was first given.
    if (commit.replayed) return commit;
    switch (command.cmd) {
      case 'answer_request':
        await this.#answer(command, commit, options);
        return commit;
      case 'resume_agent':
        return this.#replaced(command.session, (id) => this.#supervision.resume(id, command.force === true));
      case 'restart_agent':
        return this.#replaced(command.session, (id) => this.#supervision.restart(id));
      case 'remove_worktree':
        return this.#removeWorktree(command.session);
      case 'interrupt_agent':
        await broker.request(this.#select(command.session).session_id, { cmd: 'Interrupt' });
        return commit;
      default:
        return commit;
    }
  }

  /** Resolves when there is no reason to wait, any more. */
  async #outcome({ message, wait_ms = 0 }: Command<'get_message'>, context: ReadContext): Promise<void> {
    if (wait_ms === 0 || getMessage(this.#state, message, context).closed_at !== null) return;
    await this.#waiters.wait(message, wait_ms, context.actor.session_id ?? '');
  }

  async #explain({ session }: Command<'explain_agent'>): Promise<unknown> {
    const { session_id } = this.#select(session);
    const event = await this.#options.broker.request(session_id, { cmd: 'Explain' });
    if (event.event !== 'Explained') throw new HoldfastError('internal', `a shim answered Explain with ${event.event}`);
    return event.explanation;
  }

  /** Who answered is committed with the end of the request. */
  async #answer(command: Command<'answer_request'>, { result }: Commit, { actor }: CommandOptions): Promise<void> {
    const { broker, context } = this.#options;
    const { session_id } = this.#select(command.session);
    const { request_id, choice } = result as { request_id: string; choice: string };
    const by = senderOf(this.#state, actor);
    const text = command.text === undefined ? {} : { text: command.text };
    const asking = broker.request(session_id, { cmd: 'AnswerRequest', request_id, choice, ...text });
    await (this.courier.actorOf(session_id)?.observations.answering(request_id, { choice, by }, asking) ?? asking);
    const how = 'answered' as const;
    await context.observer.observe({ cmd: 'observe_request_closed', session_id, request_id, how, choice, by });
  }

  async #replaced(session: string, act: (agentId: string) => Promise<void>): Promise<Answer> {
    const { agent_id } = this.#select(session);
    await act(agent_id);
    const agent = this.#state.agents.get(agent_id);
    if (agent === undefined) throw new HoldfastError('not_found', `agent ${agent_id} was removed meanwhile`);
    return { version: this.#options.kernel.version, result: { agent: toAgentRecord(agent) } };
  }

  /** A new session in place of the one that is over, as its launch contract says. */
  async #replace(agent: Agent, { automatic }: { automatic: boolean }): Promise<void> {
    const { kernel, launches } = this.#options;
    const { agent_id, session_id } = agent;
    const { start: own, env } = this.#contractOf(agent);
    const start: AgentStart = { ...own };
    await launches.prepare(start, start, env, agent.cwd);
    const { result } = await kernel.execute(
      {
        cmd: 'replace_agent',
        agent_id,
        previous_session_id: session_id,
        start,
        resume: launches.canResume(start),
        automatic,
      },
      { actor: { client_id: 'supervisor', pid: process.pid, kind: 'srv' } },
    );
    const next = this.#state.agents.get(agent_id);
    if (result['session'] === undefined || next === undefined) return;
    this.#start(next, start, env);
  }

  /** Its session's own, or that of one before it: a session that no shim took has none. */
  #contractOf({ session_id, sessions }: Agent): AgentContract {
    const { paths } = this.#options.context;
    const earlier = sessions.filter((id) => id !== session_id && hasContract(sessionDirectory(paths, id)));
    const own = sessionDirectory(paths, session_id);
    const last = earlier.at(-1);
    return readContract(hasContract(own) || last === undefined ? own : sessionDirectory(paths, last));
  }

  #start(agent: Agent, start: AgentStart, env: Environment): void {
    const { broker, launches, kernel } = this.#options;
    const session = kernel.state.sessions.sessions.get(agent.session_id);
    if (session === undefined) return;
    const launch = launches.launchOf(session, agent.cli_version, env);
    broker.launch(session.id, launch.env, {
      launch: launch.agent,
      write: (directory) => {
        const { cwd, conversation_id } = agent;
        writeContract(directory, { agent: 1, start, cwd, env, conversation_id });
      },
    });
  }

  async #removeWorktree(session: string): Promise<Answer> {
    const { kernel, worktrees, context } = this.#options;
    const agent = this.#select(session);
    const { session_id } = agent;
    const running = kernel.state.sessions.sessions.get(session_id);
    const path = await removeWorktree(worktrees, agent, running !== undefined && isLive(running));
    await context.observer.observe({ cmd: 'observe_worktree_removed', session_id, path });
    return { version: kernel.version, result: { agent: toAgentRecord(this.#select(session)) } };
  }

  async #createWorktree(agent: Agent, { cwd, agent: given }: CreateSession): Promise<void> {
    const { worktree } = agent;
    if (worktree === null) return;
    const base = typeof given?.worktree === 'object' ? given.worktree.base : undefined;
    await this.#options.worktrees.create({
      cwd,
      name: agent.agent_id,
      branch: worktree.branch,
      ...(base === undefined ? {} : { base }),
    });
  }

  get #state(): AgentsState {
    return this.#options.kernel.state.agents;
  }

  #select(selector: string): Agent {
    return selectAgent(this.#state, sessionsViewOf(this.#options.kernel.state.sessions), selector);
  }
}

function causeOf(session: Session | undefined): string | null {
  if (session === undefined) return 'removed';
  return isLive(session) ? null : (session.cause ?? 'ended');
}
