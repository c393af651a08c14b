/** What srv's control socket offers: the sessions domain through the kernel, and what the broker does about it. */
import type { ControlCommand, ControlPeer, ControlService, ServiceIdentity } from '../control/index.ts';
import { isLive, selectSession, type SocketPlaces, toRecord } from '../domains/sessions/index.ts';
import type { Commit, CommandOptions, Recorded, SubscribeOptions, Subscription } from '../kernel/index.ts';
import type { CreateSession, RuntimeStatus, SessionRecord, SessionsCommand } from '../protocol/control/index.ts';
import { HoldfastError, limits } from '../protocol/index.ts';
import type { Broker } from './broker.ts';
import type { SessionsKernel } from './observer.ts';

export interface SrvServiceOptions {
  kernel: SessionsKernel;
  broker: Broker;
  places: SocketPlaces;
  /** The instance secret: what a Hello to a shim or the archive quotes. */
  token: string;
  identity: ServiceIdentity;
  parse(fields: Record<string, unknown>): ControlCommand<SessionsCommand>;
  status(): RuntimeStatus | Promise<RuntimeStatus>;
  shutdown(sessions: boolean): Promise<void>;
  /** Why nothing may be changed, in safe mode. */
  readOnly: HoldfastError | null;
}

type Answer = { version: number; result: Record<string, unknown> };

export class SrvService implements ControlService<SessionsCommand> {
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

  parse(fields: Record<string, unknown>): ControlCommand<SessionsCommand> {
    return this.#options.parse(fields);
  }

  async execute(command: SessionsCommand, options: CommandOptions): Promise<Answer> {
    const { kernel, token, readOnly } = this.#options;
    if (command.cmd === 'get_session') {
      const session = toRecord(selectSession(kernel.state, command.session), this.#options.places);
      return { version: kernel.version, result: { session, token } };
    }
    if (command.cmd === 'list_sessions')
      return { version: kernel.version, result: { sessions: this.#records(command.originator) } };
    if (readOnly !== null) throw readOnly;
    const commit = await kernel.execute(command, options);
    // A stored reply: it was acted on when it was first given.
    if (!commit.replayed) await this.#act(command, commit);
    return { version: commit.version, result: commit.result };
  }

  snapshot(): { version: number; epoch: string; state: { sessions: unknown[] } } {
    const { version, epoch } = this.#options.kernel.snapshot();
    return { version, epoch, state: { sessions: this.#records() } };
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

  #records(originator?: string): SessionRecord[] {
    const records: SessionRecord[] = [];
    for (const session of this.#options.kernel.state.sessions.values()) {
      if (originator === undefined || session.originator === originator)
        records.push(toRecord(session, this.#options.places));
    }
    return records;
  }

  /** The command is durable; now it is done. What fails here is done by the broker at the next occasion. */
  async #act(
    command: Exclude<SessionsCommand, { cmd: 'get_session' | 'list_sessions' }>,
    commit: Commit,
  ): Promise<void> {
    switch (command.cmd) {
      case 'create_session':
        this.#launch(command, commit);
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
      case 'rename_session':
      case 'purge_exited':
        break;
    }
  }

  #launch(command: CreateSession, commit: Commit): void {
    this.#options.broker.launch(recordOf(commit).id, command.env);
  }

  async #terminate(id: string, graceMs: number): Promise<void> {
    const session = this.#options.kernel.state.sessions.get(id);
    if (session !== undefined && isLive(session)) await this.#options.broker.terminate(id, graceMs);
  }

  /** Forced, of a live session: at once and hard, as the caller asked; answered when it is gone. */
  async #remove(id: string): Promise<void> {
    const session = this.#options.kernel.state.sessions.get(id);
    if (session === undefined || !isLive(session)) return;
    await this.#options.broker.terminate(id, 0);
    await this.#options.broker.removed(id);
  }
}

function recordOf(commit: Commit): SessionRecord {
  const { session } = commit.result;
  if (typeof session !== 'object' || session === null) throw new HoldfastError('internal', 'a commit has no session');
  return session as SessionRecord;
}
