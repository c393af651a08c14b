/**
 * The agent of a session as its socket sees it: messages with their outcomes, requests, reports, and the events that
 * tell of it. How the agent is spoken to is its driver's (`pty/`, `structured/`).
 */
import { HoldfastError, invalid } from '../../protocol/errors.ts';
import { seedState } from '../../agents/index.ts';
import type { AgentProfile, AgentReport, OutcomeLine } from '../../protocol/agent/index.ts';
import type { AgentLaunch, LaunchSpec } from '../../protocol/launch/index.ts';
import { MESSAGE_BYTES } from '../../protocol/limits.ts';
import type { SessionEvent } from '../../protocol/session/index.ts';
import { type Clock, type Faults, type Ids, withDeadline } from '../../runtime/index.ts';
import { Announcements } from './announcements.ts';
import type { AgentDriver, AgentFigures, AgentHost } from './contract.ts';
import { cutResponse, isClosed, Outcomes } from './outcomes.ts';
import type { AgentScreen, PtyHost } from './pty/contract.ts';
import { Reports } from './reports.ts';
import { Watchdog } from './watchdog.ts';

/** What the session lends its agent. */
export interface AgentPorts {
  spec: LaunchSpec & { agent: AgentLaunch };
  clock: Clock;
  ids: Ids;
  faults: Faults;
  figures: AgentFigures;
  /** To every greeted connection. */
  emit(event: SessionEvent): void;
  write(bytes: Buffer): Promise<'written' | 'closed'>;
  hold(on: boolean): void;
  lastLines(count: number): string;
  screen(): Promise<AgentScreen>;
  warn(message: string, idleSecs?: number): void;
}

export interface SentMessage {
  from: string;
  body: string;
  message_id?: string;
}

/** Who sent a message. */
export interface Sender {
  /** The message is this shim's now, or was. */
  taken(): void;
  tell(event: SessionEvent): void;
}

const LAST_LINES = 5;
/** What a message takes to its outcome once the agent is gone. */
const SETTLE_MS = 1_000;

export class Agent {
  readonly #ports: AgentPorts;
  readonly #outcomes: Outcomes;
  readonly #reports: Reports;
  readonly #announcements: Announcements;
  readonly #watchdog: Watchdog;
  #driver!: AgentDriver;
  #inFlight: string | null = null;
  #closed = false;
  #onSettled: () => void = () => {};

  /** Before the child is started. Throws what a start is refused with. */
  static async create(ports: AgentPorts): Promise<Agent> {
    const agent = new Agent(ports);
    agent.#driver = await createDriver(ports, agent.#host());
    agent.#announcements.changed(agent.#driver);
    agent.#reports.drain();
    return agent;
  }

  private constructor(ports: AgentPorts) {
    this.#ports = ports;
    const { spec, clock, figures } = ports;
    this.#outcomes = new Outcomes(spec.session_dir, ports.faults);
    this.#reports = new Reports(
      spec.session_dir,
      (report) => this.#driver.report(report),
      (what) => ports.warn(what),
    );
    this.#announcements = new Announcements({
      clock,
      figures,
      emit: (event) => ports.emit(event),
      lastLines: () => ports.lastLines(LAST_LINES),
      launched: spec.agent,
    });
    this.#watchdog = new Watchdog({
      clock,
      figures,
      readyMs: spec.agent.profile.timings.ready_ms,
      warn: (message, idleSecs) => ports.warn(message, idleSecs),
    });
  }

  /** Of the conversation: what SessionStats says. */
  get usage(): AgentDriver['usage'] {
    return this.#driver.usage;
  }

  /**
   * Takes a message, or says what became of it when it came before: `taken`, then `tell`, both to who sent it; everybody
   * else hears only what is new. Throws `busy` with `details.waits_for` when the agent would not take it now, `too_large`.
   */
  async send(message: SentMessage, sender: Sender): Promise<void> {
    if (Buffer.byteLength(message.body) > MESSAGE_BYTES)
      throw new HoldfastError('too_large', `a message holds at most ${MESSAGE_BYTES} bytes`, { field: 'body' });
    const messageId = message.message_id ?? this.#ports.ids.ulid();
    if (this.#repeat(messageId, sender)) return;
    await this.#driver.refresh?.();
    // Another one may have brought it meanwhile.
    if (this.#repeat(messageId, sender)) return;
    if (this.#inFlight !== null) throw busy('message');
    const { ready, waits_for } = this.#driver.readiness;
    if (!ready) throw busy(waits_for);
    this.#append({ message_id: messageId, phase: 'taken' });
    this.#inFlight = messageId;
    sender.taken();
    this.#driver.deliver({ message_id: messageId, from: message.from, body: message.body });
  }

  /** Throws `not_found` for a message this shim never had, `conflict` for one that is closed. */
  cancel(messageId: string): void {
    const line = this.#outcomes.find(messageId);
    if (line === null)
      throw new HoldfastError('not_found', `no message ${messageId} came to this session`, { field: 'message_id' });
    if (isClosed(line.phase))
      throw new HoldfastError('conflict', `message ${messageId} is ${line.phase} already`, { field: 'message_id' });
    if (this.#inFlight === messageId) this.#driver.cancel(messageId);
  }

  interrupt(): Promise<void> {
    return this.#driver.interrupt();
  }

  answer(requestId: string, choice: string, text: string | undefined): Promise<void> {
    return this.#driver.answer(requestId, choice, text);
  }

  report(report: AgentReport): void {
    this.#reports.add(report);
  }

  explain(): ReturnType<AgentDriver['explain']> {
    return this.#driver.explain();
  }

  transcript(from: number, limit: number): ReturnType<AgentDriver['transcript']> {
    return this.#driver.transcript(from, limit);
  }

  /** srv has checked it: a schema library is more than a shim can afford. Throws `conflict` for another agent's. */
  setProfile(profile: AgentProfile): void {
    const { name } = this.#ports.spec.agent.profile;
    if (profile.name !== name)
      throw new HoldfastError('conflict', `this session runs ${name}; a profile of ${profile.name} does not fit it`, {
        field: 'profile.name',
      });
    try {
      this.#driver.setProfile(profile);
    } catch (error) {
      throw invalid('profile', `profile cannot be used: ${(error as Error).message}`);
    }
  }

  describe(): SessionEvent {
    const { status, readiness, requests, conversationId, usage } = this.#driver;
    return {
      event: 'Agent',
      status,
      ...this.#readiness(readiness),
      message_id: this.#inFlight,
      requests: [...requests],
      conversation_id: conversationId,
      usage,
    };
  }

  /** The child runs. */
  started(): void {
    this.#driver.started?.();
  }

  output(bytes: Buffer): void {
    this.#driver.output(bytes);
  }

  typed(bytes: Uint8Array): void {
    this.#driver.typed(bytes);
  }

  exited(exit: { code: number | null; signal: string | null }): void {
    // What hooks still had to say came before the end.
    this.#reports.drain();
    this.#driver.exited(exit);
    this.#watchdog.stop();
  }

  /** Resolves when the message under way has its outcome: before the session's end is told. */
  async settled(): Promise<void> {
    if (this.#inFlight === null) return;
    const settled = new Promise<void>((resolve) => (this.#onSettled = resolve));
    await withDeadline(this.#ports.clock, SETTLE_MS, settled, () => new Error('late')).catch(() => {
      // The outcomes file tells how far it came.
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reports.close();
    this.#driver.close();
    this.#announcements.close();
    this.#watchdog.stop();
    this.#outcomes.close();
  }

  #readiness(readiness: AgentDriver['readiness']): AgentDriver['readiness'] {
    return readiness.ready && this.#inFlight !== null ? { ready: false, waits_for: 'message' } : readiness;
  }

  #repeat(messageId: string, { taken, tell }: Sender): boolean {
    const line = this.#outcomes.find(messageId);
    // A message that was taken by a process before this one was not typed: it may be, now.
    if (line === null || (line.phase === 'taken' && this.#inFlight !== messageId)) return false;
    taken();
    if (line.phase === 'delivered' || line.phase === 'answered') tell({ event: 'MessageDelivered', id: messageId });
    if (isClosed(line.phase)) tell(this.#closing(line));
    return true;
  }

  #closing(line: OutcomeLine): SessionEvent {
    const { message_id, phase, reason = '', response = '', truncated } = line;
    if (phase === 'answered')
      return {
        event: 'Completion',
        message_id,
        response,
        last_lines: this.#ports.lastLines(LAST_LINES),
        ...(truncated === true ? { truncated } : {}),
      };
    const outcome = phase === 'refused' || phase === 'cancelled' || phase === 'indeterminate' ? phase : 'failed';
    return { event: 'DeliveryFailed', id: message_id, reason, outcome };
  }

  #host(): PtyHost {
    const { clock, ids, faults, emit, write, hold, lastLines, warn, screen, figures } = this.#ports;
    return {
      clock,
      ids,
      faults,
      emit,
      write,
      hold,
      lastLines,
      screen,
      figures,
      warn: (message) => warn(message),
      changed: () => this.#changed(),
      phase: (messageId, phase) => {
        this.#append({ message_id: messageId, phase });
        if (phase === 'delivered') emit({ event: 'MessageDelivered', id: messageId });
      },
      closed: (messageId, outcome, said) => this.#settle(messageId, outcome, said),
    };
  }

  #settle(...[messageId, phase, { reason, response }]: Parameters<AgentHost['closed']>): void {
    const line: OutcomeLine = {
      outcome: 1,
      message_id: messageId,
      phase,
      at: this.#ports.clock.now(),
      ...(reason === undefined ? {} : { reason }),
      ...(phase === 'answered' ? cutResponse(response ?? '') : {}),
    };
    try {
      this.#outcomes.append(line);
    } catch (error) {
      this.#ports.warn(`the outcome of message ${messageId} is not on disk: ${(error as Error).message}`);
    }
    if (this.#inFlight === messageId) this.#inFlight = null;
    this.#ports.emit(this.#closing(line));
    this.#changed();
    this.#onSettled();
  }

  #append(line: Pick<OutcomeLine, 'message_id' | 'phase'>): void {
    this.#outcomes.append({ outcome: 1, ...line, at: this.#ports.clock.now() });
  }

  #changed(): void {
    // The driver is made with its host at hand: what it tells then is told once it is here.
    const driver = this.#driver as AgentDriver | undefined;
    if (driver === undefined || this.#closed) return;
    const readiness = this.#readiness(driver.readiness);
    this.#announcements.changed(driver, readiness);
    const state = seedState(driver.status, this.#announcements.proven);
    this.#ports.figures.tell(state, driver.status.summary || driver.status.activity);
    this.#watchdog.observe(driver.status, this.#announcements.proven);
  }
}

async function createDriver(ports: AgentPorts, host: PtyHost): Promise<AgentDriver> {
  const { spec } = ports;
  if (spec.agent.mode === 'pty') {
    const { PtyAgent } = await import('./pty/index.ts');
    return new PtyAgent(spec.agent, host);
  }
  const { createStructuredAgent } = await import('./structured/index.ts');
  return createStructuredAgent(spec, host);
}

function busy(waitsFor: string): HoldfastError {
  return new HoldfastError('busy', 'agent busy', { details: { waits_for: waitsFor } });
}
