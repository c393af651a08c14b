/** What srv's control socket offers: its domain through the kernel, and what the broker does about sessions. */
import type { ControlCommand, ControlPeer, ControlService, ServiceIdentity } from '../control/index.ts';
import { isLive, selectSession, type SocketPlaces, toRecord } from '../domains/sessions/index.ts';
import { snapshotOf } from '../domains/srv/index.ts';
import type { Commit, CommandOptions, Recorded, SubscribeOptions, Subscription } from '../kernel/index.ts';
import {
  type AgentsCommand,
  COMMAND_REGISTRY,
  type CreateSession,
  type DisconnectReason,
  type RuntimeStatus,
  type SessionRecord,
  type SessionsCommand,
  type SnapshotFacts,
  type WorkspacesCommand,
} from '../protocol/control/index.ts';
import { HoldfastError, limits } from '../protocol/index.ts';
import type { Agents } from './agents/index.ts';
import type { Broker } from './broker.ts';
import type { Journal } from './journal.ts';
import type { SrvKernel } from './observer.ts';

export type DomainCommand = SessionsCommand | AgentsCommand | WorkspacesCommand;

export interface SrvServiceOptions {
  kernel: SrvKernel;
  broker: Broker;
  agents: Agents;
  journal: Journal;
  places: SocketPlaces;
  /** The instance secret: what a Hello to a shim or the archive quotes. */
  token: string;
  /** Name of the user whose home this is. */
  owner: string;
  identity: ServiceIdentity;
  parse(fields: Record<string, unknown>): ControlCommand<DomainCommand>;
  status(): RuntimeStatus | Promise<RuntimeStatus>;
  shutdown(sessions: boolean): Promise<void>;
  /** Why nothing may be changed, in safe mode. */
  readOnly: HoldfastError | null;
}

type Answer = { version: number; result: Record<string, unknown> };

export class SrvService implements ControlService<DomainCommand> {
  readonly identity: ServiceIdentity;
  readonly #options: SrvServiceOptions;

  constructor(options: SrvServiceOptions) {
    this.#options = options;
    this.identity = options.identity;
  }

  current(): { version: number; epoch: string } {
    const { version, epoch } = this.#options.kernel;
    return { version, epoch };
  }

  parse(fields: Record<string, unknown>): ControlCommand<DomainCommand> {
    return this.#options.parse(fields);
  }

  async execute(command: DomainCommand, asked: CommandOptions): Promise<Answer> {
    const { kernel, agents, owner, readOnly } = this.#options;
    const { session_id } = asked.actor;
    // Its programs may outlive it; what they say is nobody's.
    if (session_id !== undefined && !kernel.state.sessions.sessions.has(session_id))
      throw new HoldfastError('forbidden', `session ${session_id} was removed; its programs speak for nobody`, {
        field: 'cmd',
      });
    // Whoever knows the instance secret acts for the owner of the home.
    const options = session_id === undefined ? { ...asked, actor: { ...asked.actor, owner } } : asked;
    if (isAgentsCommand(command)) return agents.execute(command, options);
    if (command.cmd === 'get_session') {
      const session = toRecord(selectSession(kernel.state.sessions, command.session), this.#options.places);
      return { version: kernel.version, result: { session, token: this.#tokenFor(options) } };
    }
    if (command.cmd === 'list_sessions')
      return { version: kernel.version, result: { sessions: this.#records(command.originator) } };
    if (readOnly !== null) throw readOnly;
    if (command.cmd === 'create_session') await agents.prepare(command);
    const commit = await kernel.execute(command, options);
    // A stored reply: it was acted on when it was first given.
    if (!commit.replayed) await this.#act(command, commit);
    return { version: commit.version, result: commit.result };
  }

  snapshot(): { version: number; epoch: string } & SnapshotFacts {
    const { version, epoch, state } = this.#options.kernel.snapshot();
    return { version, epoch, ...snapshotOf(state, this.#options.places) };
  }

  subscribe(options: SubscribeOptions): Subscription<{ event: string }> {
    return this.#options.kernel.subscribe(options);
  }

  readEvents(
    since: number,
    epoch: string | undefined,
    maxEvents: number,
    maxBytes: number,
  ): Promise<{ events: Recorded<{ event: string }>[]; complete: boolean; next: number }> {
    return this.#options.kernel.readEvents(since, epoch, maxEvents, maxBytes);
  }

  status(): RuntimeStatus | Promise<RuntimeStatus> {
    return this.#options.status();
  }

  shutdown(sessions: boolean, _peer: ControlPeer): Promise<void> {
    if (sessions && this.#options.readOnly !== null) return Promise.reject(this.#options.readOnly);
    return this.#options.shutdown(sessions);
  }

  async connected({ client_id, pid, kind, version, protocol }: ControlPeer): Promise<{ version: number }> {
    const { kernel, journal } = this.#options;
    const exclusive_pid = protocol === null;
    try {
      return await kernel.execute(
        { cmd: 'connection_opened', client_id, pid, kind, version, exclusive_pid },
        { actor: { client_id, pid, kind } },
      );
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      if (error.code !== 'already_registered') journal.write('warn', `${client_id} is unrecorded: ${error.message}`);
      throw error;
    }
  }

  disconnected({ client_id, pid, kind }: ControlPeer, reason: DisconnectReason): void {
    const { kernel, journal } = this.#options;
    kernel
      .execute({ cmd: 'connection_lost', client_id, pid, reason }, { actor: { client_id, pid, kind } })
      // The next start of srv says it.
      .catch((error: unknown) =>
        journal.write('warn', `${client_id} is gone, unrecorded: ${(error as Error).message}`),
      );
  }

  #records(originator?: string): SessionRecord[] {
    const records: SessionRecord[] = [];
    for (const session of this.#options.kernel.state.sessions.sessions.values()) {
      if (originator === undefined || session.originator === originator)
        records.push(toRecord(session, this.#options.places));
    }
    return records;
  }

  /** The command is durable; now it is done. What fails here is done by the broker at the next occasion. */
  async #act(
    command: Exclude<SessionsCommand | WorkspacesCommand, { cmd: 'get_session' | 'list_sessions' }>,
    commit: Commit,
  ): Promise<void> {
    switch (command.cmd) {
      case 'create_session':
        await this.#launch(command, commit);
        break;
      case 'terminate_session':
        await this.#terminate(recordOf(commit).id, command.grace_ms ?? limits.STOP_GRACE_MS);
        break;
      case 'signal_session':
        await this.#options.broker.signal(recordOf(commit).id, command.signal);
        break;
      case 'remove_session':
        await this.#remove(String(commit.result['removed']));
        break;
      case 'set_desired':
        if (command.desired !== 'running') await this.#terminate(recordOf(commit).id, limits.STOP_GRACE_MS);
        break;
      case 'delete_workspace':
      case 'delete_tab':
      case 'delete_block':
        this.#terminateAll(commit);
        break;
      default:
        break;
    }
  }

  /** What was deleted is gone; its sessions go in their own time. */
  #terminateAll({ result }: Commit): void {
    for (const id of (result['terminated'] ?? []) as string[]) {
      this.#terminate(id, limits.STOP_GRACE_MS).catch((error: unknown) =>
        // The broker asks again when it connects to the shim again.
        this.#options.journal.write('warn', `session ${id} was not terminated: ${(error as Error).message}`),
      );
    }
  }

  async #launch(command: CreateSession, commit: Commit): Promise<void> {
    const record = recordOf(commit);
    if (command.agent === undefined) this.#options.broker.launch(record.id, command.env);
    else await this.#options.agents.launch(record, command);
  }

  /** A program of a session is not given the key to all. */
  #tokenFor({ actor }: CommandOptions): string {
    return actor.session_id === undefined ? this.#options.token : '';
  }

  async #terminate(id: string, graceMs: number): Promise<void> {
    const session = this.#options.kernel.state.sessions.sessions.get(id);
    if (session !== undefined && isLive(session)) await this.#options.broker.terminate(id, graceMs);
  }

  /** Forced, of a live session: at once and hard, as the caller asked; answered when it is gone. */
  async #remove(id: string): Promise<void> {
    const session = this.#options.kernel.state.sessions.sessions.get(id);
    if (session === undefined || !isLive(session)) return;
    await this.#options.broker.terminate(id, 0);
    await this.#options.broker.removed(id);
  }
}

function isAgentsCommand(command: DomainCommand): command is AgentsCommand {
  return COMMAND_REGISTRY[command.cmd].domain === 'agents';
}

function recordOf(commit: Commit): SessionRecord {
  const { session } = commit.result;
  if (typeof session !== 'object' || session === null) throw new HoldfastError('internal', 'a commit has no session');
  return session as SessionRecord;
}
