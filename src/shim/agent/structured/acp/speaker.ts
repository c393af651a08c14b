/**
 * An ACP client without file system or terminal of its own: the agent works in its own process. Version 1; an agent that
 * speaks only another one is refused.
 */
import { type ClientConnection, client, type AnyMessage, PROTOCOL_VERSION } from '@agentclientprotocol/sdk';
import type { RequestChoice } from '../../../../protocol/agent/index.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { withDeadline } from '../../../../runtime/index.ts';
import type { Outcome, Problem, Prompt, RequestReply, Speaker, SpeakerPort, TurnEnd } from '../contract.ts';
import { cut, type Fields, line, objectOf, objectsOf, parseObject, textOf } from '../fields.ts';
import { type Channel, createChannel } from './channel.ts';
import { AUTH_REQUIRED, problemOf } from './problems.ts';
import { UpdateReader } from './updates.ts';

declare const __HOLDFAST_VERSION__: string;

/** After so long without a sign of it the agent is asked whether it has read the prompt. */
const PROBE_MS = 1_000;
const PING = '_holdfast/ping';
/** For each answer while the past is told, and how many. */
const PAST_MS = 2_000;
const PAST_ROUNDS = 10_000;
const TEXT_CHARACTERS = 1_000;
const CHOICE_COUNT = 16;
const MEANINGS: Readonly<Record<string, RequestChoice['meaning']>> = {
  allow_once: 'allow',
  allow_always: 'allow_always',
  reject_once: 'deny',
};

type PermissionAnswer = { outcome: { outcome: 'cancelled' } | { outcome: 'selected'; optionId: string } };

export class AcpSpeaker implements Speaker {
  readonly #port: SpeakerPort;
  readonly #channel: Channel;
  readonly #connection: ClientConnection;
  readonly #updates: UpdateReader;
  #session: string | null = null;
  #loading = false;
  /** Updates so far. */
  #told = 0;
  #canResume = false;
  #canLoad = false;
  #turn: string | null = null;
  #cancelProbe: (() => void) | null = null;
  #closed = false;

  constructor(port: SpeakerPort) {
    this.#port = port;
    this.#updates = new UpdateReader(port);
    this.#channel = createChannel((message) => this.#write(message));
    this.#connection = client({ name: 'holdfast' })
      .onRequest('session/request_permission', objectOf, ({ params, signal }) => this.#permission(params, signal))
      .onNotification('*', ({ method }) => this.#port.note(`notification ${method}`, `${line(method)} is not known`))
      .connect(this.#channel.stream);
  }

  begin(): void {
    this.#open().catch((error: unknown) => {
      if (!this.#closed) this.#port.refused(problemOf(error));
    });
  }

  line(text: string): void {
    const message = parseObject(text);
    if (message === null) this.#port.note('not_json', `not a message: ${line(text)}`);
    // Not through the SDK, which drops a kind it does not know, and checks each piece of text against all of them.
    else if (message['method'] === 'session/update') this.#update(objectOf(message['params']));
    else this.#channel.receive(message as unknown as AnyMessage);
  }

  prompt({ id, text }: Prompt): void {
    this.#turn = id;
    this.#updates.forgetTools();
    this.#cancelProbe = this.#port.clock.after(PROBE_MS, () => {
      // Rejected: the connection is gone, and the prompt with it.
      this.#probe(id).catch(() => {});
    });
    this.#ask('session/prompt', { sessionId: this.#session, prompt: [{ type: 'text', text }] })
      .then((response) => this.#ended(id, this.#endOf(response)))
      .catch((error: unknown) => {
        if (this.#closed) return;
        if (this.#connection.signal.aborted) this.#port.notWritten(id);
        else this.#ended(id, { end: 'failed', problem: problemOf(error) });
      });
  }

  interrupt(): void {
    // Without a connection there is nobody to stop; the turn's end is told by then.
    this.#connection.agent.notify('session/cancel', { sessionId: this.#session ?? '' }).catch(() => {});
  }

  close(): void {
    this.#closed = true;
    this.#stopProbe();
    this.#connection.close();
    this.#channel.end();
  }

  async #open(): Promise<void> {
    const said = await this.#ask('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
      clientInfo: { name: 'holdfast', title: 'Holdfast', version: __HOLDFAST_VERSION__ },
    });
    const version = said?.['protocolVersion'];
    if (version !== PROTOCOL_VERSION) {
      const text = `the agent speaks version ${line(version) || 'unknown'} of ACP, this client ${PROTOCOL_VERSION}`;
      return this.#port.refused({ reason: 'protocol', attention: 'none', text });
    }
    const capabilities = objectOf(said?.['agentCapabilities']);
    this.#canLoad = capabilities?.['loadSession'] === true;
    this.#canResume = objectOf(objectOf(capabilities?.['sessionCapabilities'])?.['resume']) !== null;
    const agentVersion = textOf(objectOf(said?.['agentInfo'])?.['version']);
    if (agentVersion !== null) this.#port.identified({ version: line(agentVersion, 64) });
    await this.#openSession(objectsOf(said?.['authMethods']));
  }

  /** A login that is asked for becomes a request; its answer tries again. */
  async #openSession(authMethods: Fields[]): Promise<void> {
    try {
      const { agent, cwd } = this.#port.spec;
      const known = agent.resumed ? agent.conversation_id : null;
      const session = known === null ? await this.#newSession(cwd) : await this.#resume(known, cwd);
      if (session === null) return;
      this.#session = session;
      this.#port.identified({ conversation: session });
      this.#port.opened();
    } catch (error) {
      if (this.#closed) return;
      const problem = problemOf(error);
      this.#port.refused(problem);
      if (objectOf(error)?.['code'] === AUTH_REQUIRED) this.#askForLogin(authMethods, problem.text);
    }
  }

  async #newSession(cwd: string): Promise<string | null> {
    const session = textOf((await this.#ask('session/new', { cwd, mcpServers: [] }))?.['sessionId']);
    if (session !== null && session !== '' && session.length <= 256) return session;
    this.#port.refused({ reason: 'protocol', attention: 'none', text: 'the agent opened a session without an id' });
    return null;
  }

  /** Without the past where the agent can: it is in the transcript of the session before. */
  async #resume(sessionId: string, cwd: string): Promise<string | null> {
    const params = { sessionId, cwd, mcpServers: [] };
    if (this.#canResume) await this.#ask('session/resume', params);
    else if (this.#canLoad) {
      // The agent tells the past as updates of this session.
      this.#session = sessionId;
      this.#loading = true;
      await this.#ask('session/load', params);
      await this.#pastTold();
      this.#loading = false;
    } else {
      this.#port.refused({
        reason: 'cannot_resume',
        attention: 'none',
        text: 'the agent cannot resume a conversation',
      });
      return null;
    }
    return sessionId;
  }

  /**
   * Some agents answer before they have told the whole past, which must not be taken for the next turn's answer. What
   * they still tell comes between their answers to later requests; when nothing does, it is over.
   */
  async #pastTold(): Promise<void> {
    const { clock } = this.#port;
    const late = () => new HoldfastError('timeout', 'the agent does not answer a request that it does not know');
    try {
      for (let round = 0; round < PAST_ROUNDS; round++) {
        const before = this.#told;
        await withDeadline(clock, PAST_MS, this.#ping(), late);
        if (this.#told === before) return;
      }
    } catch (error) {
      // Then nothing more is known of it than that it was silent for so long.
      if (!(error instanceof HoldfastError)) throw error;
    }
  }

  #askForLogin(methods: Fields[], text: string): void {
    const choices = methods
      .filter((method) => textOf(method['id']) !== null && method['type'] !== 'terminal')
      .slice(0, CHOICE_COUNT)
      .map(({ id, name }): RequestChoice => ({ id: line(id), label: line(name ?? id), meaning: null }));
    const reply = async (given: RequestReply): Promise<Outcome> => {
      if (given === null) return 'written';
      // A login may take a person minutes: what comes of it is told by the status.
      this.#ask('authenticate', { methodId: given.choice?.id ?? given.text })
        .then(() => this.#openSession(methods))
        .catch((error: unknown) => {
          if (this.#closed) return;
          const problem = problemOf(error);
          this.#port.refused({ ...problem, reason: 'auth', attention: 'auth' });
          this.#askForLogin(methods, problem.text);
        });
      return 'written';
    };
    this.#port.ask({ request_id: this.#port.ids.ulid(), kind: 'auth', text, choices }, reply);
  }

  #update(params: Fields | null): void {
    const update = objectOf(params?.['update']);
    if (update === null || params?.['sessionId'] !== this.#session) return;
    this.#told++;
    const isWork = this.#updates.read(update, this.#loading);
    if (isWork && !this.#loading) this.#taken();
  }

  #permission(params: Fields | null, signal: AbortSignal): Promise<PermissionAnswer> {
    this.#taken();
    const text = cut(this.#updates.about(objectOf(params?.['toolCall']) ?? {}), TEXT_CHARACTERS);
    const choices = objectsOf(params?.['options'])
      .filter((option) => textOf(option['optionId']) !== null)
      .slice(0, CHOICE_COUNT)
      .map(({ optionId, name, kind }): RequestChoice => {
        const id = String(optionId);
        return { id, label: line(name ?? id), meaning: MEANINGS[textOf(kind) ?? ''] ?? null };
      });
    const requestId = this.#port.ids.ulid();
    return new Promise((resolve) => {
      const reply = (given: RequestReply): Promise<Outcome> => {
        const optionId = given?.choice?.id;
        resolve({ outcome: optionId === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId } });
        return Promise.resolve('written');
      };
      signal.addEventListener('abort', () => this.#port.withdraw(requestId), { once: true });
      this.#port.ask({ request_id: requestId, kind: 'permission', text, choices }, reply);
    });
  }

  /** An answer to a later request proves that the prompt before it was read. */
  async #probe(turn: string): Promise<void> {
    this.#cancelProbe = null;
    await this.#ping();
    if (this.#turn === turn) this.#port.taken(turn);
  }

  /** A request that nobody knows; resolves with its answer, be it an error. Rejects when there will be none. */
  async #ping(): Promise<void> {
    try {
      await this.#ask(PING, {});
    } catch (error) {
      if (this.#closed || this.#connection.signal.aborted || objectOf(error)?.['code'] === undefined) throw error;
    }
  }

  #taken(): void {
    this.#stopProbe();
    if (this.#turn !== null) this.#port.taken(this.#turn);
  }

  #ended(id: string, end: TurnEnd): void {
    // A request that came before the answer is handed on in this turn of the loop, perhaps later than the answer.
    setImmediate(() => {
      if (this.#closed) return;
      this.#stopProbe();
      if (this.#turn === id) this.#turn = null;
      this.#port.ended(id, end);
    });
  }

  #endOf(response: Fields | null): TurnEnd {
    const reason = textOf(response?.['stopReason']);
    if (reason === 'end_turn') return { end: 'answered' };
    if (reason === 'cancelled') return { end: 'cancelled' };
    return { end: 'failed', problem: stopped(reason) };
  }

  async #ask(method: string, params: unknown): Promise<Fields | null> {
    return objectOf(await this.#connection.agent.request(method, params));
  }

  #write(message: AnyMessage): Promise<Outcome> {
    return this.#closed ? Promise.resolve('closed') : this.#port.write(message);
  }

  #stopProbe(): void {
    this.#cancelProbe?.();
    this.#cancelProbe = null;
  }
}

function stopped(reason: string | null): Problem {
  if (reason === 'refusal') return { reason: 'refusal', attention: 'none', text: 'the agent refused to go on' };
  if (reason === 'max_tokens')
    return { reason: 'max_tokens', attention: 'none', text: 'the answer hit its token limit' };
  const text =
    reason === 'max_turn_requests' ? 'the turn hit its limit of requests' : 'the turn ended without a reason';
  return { reason: 'agent_error', attention: 'none', text };
}
