/**
 * One agent's post: the next message goes to its shim when that would take it, and what becomes of it is observed.
 * Nothing is asked again and again: every step answers an event of the shim, of the log or of the connection.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Agent, isOpen, type Message, type MessageStep } from '../../domains/agents/index.ts';
import type { MessagePhase } from '../../protocol/agent/index.ts';
import { sessionDirectory } from '../../protocol/home/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { SessionEvent } from '../../protocol/session/index.ts';
import { Observations } from './observations.ts';
import { lastOutcome } from './outcomes.ts';
import type { AgentPorts } from './ports.ts';

/** A shim that did not answer is asked again after this, if it is still there. */
const ASK_AGAIN_MS = 5_000;
/** The message stays where it is: its shim is asked again, or its end tells. */
const UNTOLD: ReadonlySet<string> = new Set(['timeout', 'shim_lost', 'session_exited', 'unreachable']);
/** What a shim says to the cancelling of a message that it does not have any more. */
const GONE: ReadonlySet<string> = new Set(['not_found', 'conflict', ...UNTOLD]);

export class AgentActor {
  readonly observations: Observations;
  readonly #agentId: string;
  readonly #sessionId: string;
  readonly #ports: AgentPorts;
  #connected = false;
  /** As the shim said last: it would take a message now. */
  #ready = false;
  /** Files of messages that were begun. */
  #parts = 0;
  /** It has a message that is not from here: its end is all that it waits for. */
  #foreign = false;
  /** The message that the shim has, as far as known. */
  #inShim: string | null = null;
  /** Which message is next is on its way to the log. */
  #deciding = false;
  #cancelAsking: (() => void) | null = null;

  constructor(agentId: string, sessionId: string, ports: AgentPorts) {
    this.#agentId = agentId;
    this.#sessionId = sessionId;
    this.#ports = ports;
    this.observations = new Observations(ports, sessionId);
  }

  get sessionId(): string {
    return this.#sessionId;
  }

  /** There is a connection to its shim: where does it stand? */
  connected(): void {
    this.#connected = true;
    this.#cancelAsking?.();
    this.#cancelAsking = null;
    this.#ports.request(this.#sessionId, { cmd: 'GetAgent' }).then(
      (event) => {
        if (event.event !== 'Agent') return;
        this.take(event);
        this.#resume();
      },
      (thrown: unknown) => this.#unanswered(HoldfastError.from(thrown)),
    );
  }

  /** The connection is lost; it will be made again, or the session is over. */
  disconnected(): void {
    this.#connected = false;
    this.#ready = false;
  }

  take(event: SessionEvent): void {
    const session_id = this.#sessionId;
    this.observations.take(event);
    switch (event.event) {
      case 'Agent':
        this.#inShim = event.message_id;
        this.#ready = event.ready;
        break;
      case 'AgentReady':
        this.#ready = event.ready;
        this.#foreign = false;
        this.wake();
        break;
      case 'MessageDelivered':
        void this.#ports.observe({ cmd: 'observe_delivered', message_id: event.id, session_id });
        break;
      case 'Completion': {
        const { message_id, response, truncated = false } = event;
        if (message_id === undefined) break;
        this.#done(message_id);
        const said = { outcome: 'answered', reason: null, response, truncated } as const;
        void this.#ports.observe({ cmd: 'observe_closed', message_id, session_id, ...said });
        this.wake();
        break;
      }
      case 'DeliveryFailed': {
        const { id: message_id, outcome, reason } = event;
        this.#done(message_id);
        const said = { outcome, reason, response: null, truncated: false };
        void this.#ports.observe({ cmd: 'observe_closed', message_id, session_id, ...said });
        this.wake();
        break;
      }
      default:
        break;
    }
  }

  /** Something may be due: the next message is chosen by the log, where it is durable before anybody types. */
  wake(): void {
    const agent = this.#agent();
    if (agent === undefined || !this.#connected || !this.#ready || this.#inShim !== null || this.#deciding) return;
    const underWay = this.#underWay();
    if (underWay !== undefined) this.hand(underWay);
    else if (agent.parked === null && agent.delivering === null && agent.waiting.length > 0) {
      this.#decide({ cmd: 'deliver_next', agent_id: this.#agentId, session_id: this.#sessionId });
    }
  }

  /** Until it is committed, nothing else is done about messages. */
  #decide(command: MessageStep): void {
    this.#deciding = true;
    void this.#ports.observe(command).finally(() => {
      this.#deciding = false;
      // What is chosen says so by its event; one that could not be written would be asked for at once, again and again.
      if (command.cmd === 'observe_requeued') this.wake();
    });
  }

  /** It was chosen, or nobody knows whether its shim got it: a shim types no message twice. */
  hand(message: Message): void {
    if (!this.#connected) return;
    this.#inShim = message.message_id;
    this.#send(message).catch((thrown: unknown) => this.#refused(message, HoldfastError.from(thrown)));
  }

  /** A message was closed here: its shim, if it has it, stops. */
  closed(messageId: string): void {
    if (this.#inShim !== messageId || !this.#connected) return;
    this.#ports.request(this.#sessionId, { cmd: 'CancelMessage', message_id: messageId }).catch((thrown: unknown) => {
      const { code, message } = HoldfastError.from(thrown);
      if (code === 'not_found' || code === 'conflict') this.#done(messageId);
      if (!GONE.has(code)) this.#warn(`message ${messageId} was not stopped: ${message}`);
    });
  }

  /** Its session is over: what the shim had begun is in its outcomes file. */
  async settle(): Promise<void> {
    this.disconnected();
    this.close();
    const message = this.#underWay();
    if (message === undefined) return;
    const { message_id } = message;
    const session_id = this.#sessionId;
    const cause = this.#ports.over(session_id);
    const reason = cause === 'shim_lost' || cause === 'reboot' ? cause : 'agent_died';
    const line = await lastOutcome(sessionDirectory(this.#ports.paths, session_id), message_id);
    if (line === null || line.phase === 'taken') {
      await this.#ports.observe({ cmd: 'observe_requeued', message_id, session_id, reason });
      return;
    }
    const outcome = outcomeOf(line.phase);
    const said = {
      outcome,
      reason: outcome === line.phase ? (line.reason ?? null) : reason,
      response: line.response ?? null,
      truncated: line.truncated ?? false,
    };
    if (line.phase === 'delivered') await this.#ports.observe({ cmd: 'observe_delivered', message_id, session_id });
    await this.#ports.observe({ cmd: 'observe_closed', message_id, session_id, ...said });
  }

  close(): void {
    this.#cancelAsking?.();
    this.#cancelAsking = null;
    this.observations.close();
  }

  /**
   * After a connection: what was under way is handed over again, what was closed meanwhile is stopped. A message that is
   * not from here runs to its end.
   */
  #resume(): void {
    const held = this.#inShim;
    const message = this.#underWay();
    const isOurs = held !== null && this.#ports.agents().messages.has(held);
    if (isOurs && held !== message?.message_id) this.closed(held);
    else if (held !== null && !isOurs) this.#foreign = true;
    else if (message !== undefined) this.hand(message);
    else this.wake();
  }

  async #send(message: Message): Promise<void> {
    const from = message.from.kind === 'agent' ? message.from.name : '';
    const body = await this.#bodyOf(message);
    const { message_id } = message;
    await this.#ports.request(this.#sessionId, { cmd: 'SendMessage', from, body, message_id });
  }

  /** A long message is a file to read: no box of a terminal program holds it whole. */
  async #bodyOf({ message_id, body }: Message): Promise<string> {
    const agent = this.#agent();
    const profile = agent?.mode === 'pty' ? this.#ports.profile(agent.profile, agent.cli_version) : null;
    const bytes = Buffer.byteLength(body);
    if (profile === null || bytes <= profile.input.by_reference_bytes) return body;
    const directory = join(sessionDirectory(this.#ports.paths, this.#sessionId), 'messages');
    const file = join(directory, `${message_id}.md`);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // Whole or not at all: the agent may be reading it when a message is handed over once more.
    const part = `${file}.${++this.#parts}`;
    await writeFile(part, body, { mode: 0o600 });
    await rename(part, file);
    return `There is a message of ${bytes} bytes for you in the file ${file} – read it whole and act on it.`;
  }

  #refused(message: Message, error: HoldfastError): void {
    const { message_id } = message;
    const session_id = this.#sessionId;
    if (error.code === 'busy') {
      this.#done(message_id);
      const waitsFor = error.details['waits_for'];
      const reason = typeof waitsFor === 'string' ? waitsFor : 'busy';
      this.#ready = false;
      this.#foreign = reason === 'message';
      this.#decide({ cmd: 'observe_requeued', message_id, session_id, reason });
    } else if (!UNTOLD.has(error.code)) {
      this.#done(message_id);
      this.#warn(`message ${message_id} was refused: ${error.message}`);
      const said = { outcome: 'refused', reason: error.code, response: null, truncated: false } as const;
      void this.#ports.observe({ cmd: 'observe_closed', message_id, session_id, ...said });
    }
  }

  #unanswered(error: HoldfastError): void {
    if (!this.#connected || error.code === 'session_exited') return;
    this.#warn(`its shim does not say where it stands: ${error.message}`);
    this.#cancelAsking ??= this.#ports.clock.after(ASK_AGAIN_MS, () => {
      this.#cancelAsking = null;
      if (this.#connected) this.connected();
    });
  }

  #done(messageId: string): void {
    if (this.#inShim === messageId) this.#inShim = null;
    if (this.#foreign) this.#ready = true;
    this.#foreign = false;
  }

  #agent(): Agent | undefined {
    const agent = this.#ports.agents().agents.get(this.#agentId);
    return agent?.session_id === this.#sessionId ? agent : undefined;
  }

  /** The message this session was given last and that has no outcome. */
  #underWay(): Message | undefined {
    const { agents, messages } = this.#ports.agents();
    const message = messages.get(agents.get(this.#agentId)?.delivering ?? '');
    return message !== undefined && isOpen(message) && message.session_id === this.#sessionId ? message : undefined;
  }

  #warn(message: string): void {
    this.#ports.journal.write('warn', `session ${this.#sessionId}: ${message}`);
  }
}

/** Of a message whose shim is gone. */
function outcomeOf(phase: Exclude<MessagePhase, 'taken'>) {
  if (phase === 'pasting' || phase === 'submitting') return 'indeterminate';
  return phase === 'delivered' ? 'failed' : phase;
}
