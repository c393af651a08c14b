/**
 * Drives an agent that speaks a protocol: one turn at a time, each with an id, so that what a turn answers is credited
 * to its own message or to nobody. The protocol itself is its speaker's.
 */
import { createStatusBoard, formatMessage } from '../../../agents/index.ts';
import type {
  AgentProfile,
  AgentRequest,
  AgentStatus,
  AgentUsage,
  Explanation,
  TranscriptEntry,
} from '../../../protocol/agent/index.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { RESPONSE_BYTES } from '../../../protocol/limits.ts';
import type { AgentDriver, AgentHost, AgentMessage } from '../contract.ts';
import type { Outcome, Problem, Speaker, SpeakerPort, StructuredSpec, TurnEnd } from './contract.ts';
import { line, shown } from './fields.ts';
import { LineSplitter } from './lines.ts';
import { Recorder } from './record.ts';
import { Requests } from './requests.ts';
import { judge, type Left, type Standing, waitsFor } from './standing.ts';
import { Transcript } from './transcript.ts';
import { Turn, turnId } from './turn.ts';
import { Turns } from './turns.ts';

/** Longest line of a protocol; a longer one is dropped. */
const LINE_BYTES = 16 * 1024 * 1024;
/** For what the child had still written when it ended. */
const DRAIN_MS = 500;
/** Kinds of unexpected things that are put down; each once. */
const NOTE_KINDS = 64;
const NOTE_CHARACTERS = 500;

export class StructuredAgent implements AgentDriver {
  readonly #spec: StructuredSpec;
  readonly #host: AgentHost;
  readonly #board = createStatusBoard();
  readonly #lines: LineSplitter;
  readonly #transcript: Transcript;
  readonly #recorder: Recorder;
  readonly #requests: Requests;
  readonly #turns: Turns;
  readonly #noted = new Set<string>();
  #speaker!: Speaker;
  #profile: AgentProfile;
  #situation: Standing['situation'] = 'starting';
  /** Busy with something nobody asked for. */
  #byItself = false;
  /** What the last turn left behind. */
  #after: Left = { activity: 'idle', attention: 'none', detail: '' };
  /** What the agent tries to get over by itself. */
  #trouble: string | null = null;
  #conversation: string | null;
  #version: string | null;
  #usage: AgentUsage | null = null;
  /** Not in the transcript yet: there it stands once a turn. */
  #usageIsNew = false;
  /** The turn that new entries are of. */
  #recording: string | null = null;
  #cancelDrain: (() => void) | null = null;
  #closed = false;

  /** `speak` makes the speaker of the session's mode. */
  constructor(spec: StructuredSpec, host: AgentHost, speak: (port: SpeakerPort) => Speaker) {
    this.#spec = spec;
    this.#host = host;
    this.#profile = spec.agent.profile;
    this.#conversation = spec.agent.conversation_id;
    this.#version = spec.agent.cli_version ?? null;
    this.#transcript = new Transcript({
      directory: spec.session_dir,
      now: () => host.clock.now(),
      added: (entry) => host.emit({ event: 'TranscriptAdded', entry }),
      failed: (reason) => host.warn(`the transcript is no longer written to disk: ${reason}`),
    });
    this.#recorder = new Recorder((entry) => this.#transcript.append(entry, this.#recording));
    this.#requests = new Requests(host.clock, {
      opened: (request) => this.#requestOpened(request),
      closed: (request, how, answer) => this.#requestClosed(request, how, answer),
    });
    this.#turns = new Turns({
      host,
      timings: () => this.#profile.timings,
      interrupt: () => {
        this.#requests.withdrawAll();
        this.#speaker.interrupt();
      },
      changed: (turn, what, end) => this.#turnChanged(turn, what, end),
    });
    this.#lines = new LineSplitter(LINE_BYTES, {
      line: (text) => {
        if (!this.#closed) this.#speaker.line(text);
      },
      dropped: (start) => this.#note('long_line', `a line of more than ${LINE_BYTES} bytes was dropped: ${start}`),
    });
    this.#speaker = speak(this.#port());
    this.#assess();
  }

  get readiness(): { ready: boolean; waits_for: string } {
    const waiting = waitsFor(this.#standing);
    return { ready: waiting === '', waits_for: waiting };
  }

  get status(): AgentStatus {
    return this.#board.status(this.#host.clock.now());
  }

  get requests(): readonly AgentRequest[] {
    return this.#requests.all;
  }

  get conversationId(): string | null {
    return this.#conversation;
  }

  get usage(): AgentUsage | null {
    return this.#usage;
  }

  started(): void {
    this.#speaker.begin();
  }

  deliver(message: AgentMessage): void {
    const { ready, waits_for } = this.readiness;
    if (!ready) throw new HoldfastError('busy', 'agent busy', { details: { waits_for } });
    const text = formatMessage(message, this.#profile.input);
    const turn = new Turn(turnId(this.#host.ids.secret()), message.message_id, text);
    this.#turns.begin(turn);
    const from = message.from === '' ? {} : { from: line(message.from) };
    this.#recorder.add({ entry: 'message', role: 'user', text, ...from, message_id: message.message_id });
    this.#speaker.prompt(turn);
  }

  cancel(messageId: string): void {
    if (this.#turns.current?.messageId === messageId) this.#turns.giveUp('cancelled');
  }

  interrupt(): Promise<void> {
    if (this.#turns.current !== null) this.#turns.giveUp('interrupted');
    else if (this.#byItself) this.#speaker.interrupt();
    this.#assess();
    return Promise.resolve();
  }

  answer(requestId: string, choice: string, text: string | undefined): Promise<void> {
    return this.#requests.answer(requestId, choice, text);
  }

  /** Its protocol says all that a hook could, and sooner. */
  report(): void {}

  explain(): Promise<Explanation> {
    const { name, revision } = this.#profile;
    return Promise.resolve({
      ...this.#board.explain(this.#host.clock.now()),
      profile: { name, revision, cli: this.#version },
      rules: [],
      cost: { evaluations: 0, total_ms: 0, slowest_ms: 0 },
    });
  }

  setProfile(profile: AgentProfile): void {
    this.#profile = profile;
  }

  output(bytes: Buffer): void {
    if (!this.#closed) this.#lines.push(bytes);
  }

  /** Throws `not_driver`: a foreign line would break the protocol. */
  typed(): void {
    throw new HoldfastError('not_driver', 'only its shim writes to an agent that speaks a protocol; send it a message');
  }

  exited(exit: { code: number | null; signal: string | null }): void {
    this.#situation = 'dead';
    const detail = exit.signal === null ? `exited with ${exit.code}` : `ended by ${exit.signal}`;
    this.#after = { activity: 'dead', attention: 'none', detail };
    this.#assess();
    this.#cancelDrain = this.#host.clock.after(DRAIN_MS, () => this.#drained());
  }

  transcript(from: number, limit: number): { entries: TranscriptEntry[]; next: number } {
    return this.#transcript.read(from, limit);
  }

  close(): void {
    if (this.#closed) return;
    this.#drained();
    this.#closed = true;
    this.#speaker.close();
    this.#transcript.close();
  }

  /** Nothing more comes of the child. */
  #drained(): void {
    this.#cancelDrain?.();
    this.#cancelDrain = null;
    this.#turns.died();
    this.#requests.withdrawAll();
    this.#recorder.flush();
    this.#assess();
  }

  get #standing(): Standing {
    const turn = this.#turns.current;
    return {
      situation: this.#situation,
      request: this.#requests.all[0],
      turn: turn === null ? 'none' : turn.givenUp === null ? 'running' : 'stopping',
      byItself: this.#byItself,
      trouble: this.#trouble,
      after: this.#after,
    };
  }

  /** What the protocol says now becomes evidence, and the host compares. */
  #assess(): void {
    const now = this.#host.clock.now();
    const isDead = this.#situation === 'dead';
    const { activity, attention, detail, rule: name } = judge(this.#standing);
    const rule = isDead ? name : `${this.#spec.agent.mode}.${name}`;
    const source = isDead ? 'process' : 'protocol';
    if (isDead) this.#board.withdraw('protocol');
    this.#board.add({ source, rule, activity, attention, confidence: 1, until: null, detail: line(detail) }, now);
    this.#host.changed();
  }

  #turnChanged(turn: Turn, what: 'started' | 'taken' | 'settled' | 'ended', end?: TurnEnd): void {
    if (what === 'started') {
      this.#trouble = null;
      // What was said before is of no turn.
      this.#recorder.flush();
      this.#recording = turn.id;
      this.#recorder.add({ entry: 'turn', state: 'started', reason: '' });
    }
    if (what === 'ended' && end !== undefined) {
      this.#requests.withdrawAll();
      this.#recordUsage();
      const reason = end.end === 'failed' ? end.problem.reason : end.end;
      this.#recorder.add({ entry: 'turn', state: 'ended', reason });
      this.#recording = null;
      this.#finish(turn.givenUp === null ? end : { end: 'cancelled' });
    }
    this.#assess();
  }

  #recordUsage(): void {
    if (this.#usage !== null && this.#usageIsNew) this.#recorder.add({ entry: 'usage', usage: this.#usage });
    this.#usageIsNew = false;
  }

  #finish(end: TurnEnd): void {
    this.#byItself = false;
    this.#trouble = null;
    if (this.#situation === 'dead') return;
    if (end.end === 'failed') {
      this.#after = { activity: 'error', attention: end.problem.attention, detail: end.problem.text };
      return;
    }
    const activity = end.end === 'answered' ? 'done' : 'idle';
    this.#after = { activity, attention: 'none', detail: end.end };
  }

  #requestOpened(request: AgentRequest): void {
    this.#recorder.flush();
    this.#host.emit({ event: 'Requested', request });
    this.#assess();
  }

  #requestClosed(request: AgentRequest, how: 'answered' | 'withdrawn', answer: string | null): void {
    const { request_id, text, choices } = request;
    const by = how === 'answered' ? 'person' : null;
    const labels = choices.map(({ label }) => label);
    this.#recorder.add({ entry: 'request', request_id, text, choices: labels, answer, by });
    this.#host.emit({ event: 'RequestClosed', request_id, how });
    this.#assess();
  }

  #note(kind: string, text: string): void {
    if (this.#noted.has(kind) || this.#noted.size >= NOTE_KINDS) return;
    this.#noted.add(kind);
    this.#recorder.add({ entry: 'note', text: shown(text, NOTE_CHARACTERS) });
  }

  async #write(message: unknown): Promise<Outcome> {
    if (this.#closed || this.#situation === 'dead') return 'closed';
    return await this.#host.write(Buffer.from(`${JSON.stringify(message)}\n`));
  }

  #port(): SpeakerPort {
    const host = this.#host;
    return {
      clock: host.clock,
      ids: host.ids,
      spec: this.#spec,
      write: (message) => this.#write(message),
      opened: () => this.#opened(),
      refused: (problem) => this.#refused(problem),
      identified: ({ conversation = this.#conversation, version = this.#version }) => {
        if (conversation === this.#conversation && version === this.#version) return;
        this.#conversation = conversation;
        this.#version = version;
        host.changed();
      },
      taken: (id) => this.#turns.taken(id),
      notWritten: (id) => this.#turns.notWritten(id),
      ended: (id, end) => this.#ended(id, end),
      workedByItself: () => {
        if (this.#turns.current !== null || this.#byItself) return;
        this.#byItself = true;
        this.#assess();
      },
      say: (role, text, piece) => this.#say(role, text, piece),
      entry: (entry) => {
        if (entry.entry === 'tool') this.#turns.current?.pause();
        this.#recorder.add(entry);
      },
      usage: (usage) => {
        if (JSON.stringify(usage) === JSON.stringify(this.#usage)) return;
        this.#usage = usage;
        this.#usageIsNew = true;
        host.changed();
      },
      trouble: (text) => {
        if (this.#trouble === text) return;
        this.#trouble = text;
        this.#assess();
      },
      ask: (request, reply) =>
        this.#requests.add({ ...request, since: host.clock.now(), source: this.#spec.agent.mode }, reply),
      withdraw: (requestId) => this.#requests.withdraw(requestId),
      note: (kind, text) => this.#note(kind, text),
    };
  }

  #opened(): void {
    if (this.#situation === 'dead') return;
    // The past, where it was told.
    this.#recorder.flush();
    this.#situation = 'open';
    this.#after = { activity: 'idle', attention: 'none', detail: 'ready' };
    this.#assess();
  }

  #refused(problem: Problem): void {
    if (this.#situation === 'dead') return;
    this.#situation = 'refused';
    this.#after = { activity: 'error', attention: problem.attention, detail: problem.text };
    this.#note(`refused ${problem.reason}`, problem.text);
    this.#assess();
  }

  #ended(id: string | null, end: TurnEnd): void {
    // A late end of a turn that was given up is nobody's, and says nothing about what goes on now.
    if (this.#turns.ended(id, end) || !this.#byItself || this.#turns.current !== null) return;
    this.#recorder.flush();
    this.#finish(end);
    this.#assess();
  }

  #say(...[role, text, piece]: Parameters<SpeakerPort['say']>): void {
    const turn = this.#turns.current;
    if (role !== 'agent' || (piece ?? 'more') !== 'more') turn?.pause();
    if (role === 'agent') turn?.hear(text, RESPONSE_BYTES + 1);
    this.#recorder.say(role, text, piece);
  }
}
