/**
 * A structured agent is a program that speaks a protocol on its standard input and output. `driver.ts` knows turns,
 * requests, status and transcript; a speaker knows one protocol. They meet here.
 */
import type {
  AgentRequest,
  AgentUsage,
  Attention,
  RequestChoice,
  TranscriptEntry,
} from '../../../protocol/agent/index.ts';
import type { LaunchSpec } from '../../../protocol/launch/index.ts';
import type { AgentLaunch } from '../../../protocol/launch/index.ts';
import type { Clock, Ids } from '../../../runtime/index.ts';

export type StructuredSpec = LaunchSpec & { agent: AgentLaunch };

/** A prompt on its way, and what the agent makes of it. */
export interface Prompt {
  /** UUID: which turn an answer belongs to. */
  readonly id: string;
  readonly text: string;
}

export interface Speaker {
  /** The child runs: says hello and opens the conversation. */
  begin(): void;
  /** One whole line of the child's standard output, without its end. Never throws. */
  line(text: string): void;
  prompt(prompt: Prompt): void;
  /** Asks the agent to stop the turn; the turn's end is told like any other. */
  interrupt(): void;
  /** Nothing is written or told after this. */
  close(): void;
}

export type TurnEnd =
  /** `response`: the final answer; undefined: what the agent said last in the turn. */
  { end: 'answered'; response?: string } | { end: 'cancelled' } | { end: 'failed'; problem: Problem };

/** Why a turn failed or a conversation could not be opened. */
export interface Problem {
  /** Of the message's outcome: `quota`, `auth`, `context_exhausted`, `refusal`, `agent_error`, … */
  reason: string;
  attention: Attention;
  text: string;
}

/** What a request's answer is; null: it was withdrawn, and the agent is told so where its protocol has words for it. */
export type RequestReply = { choice: RequestChoice | null; text: string } | null;

export type Outcome = 'written' | 'closed';

type Body<Entry> = Entry extends unknown ? Omit<Entry, 'seq' | 'at' | 'turn'> : never;
export type EntryBody = Body<TranscriptEntry>;

/** What a speaker tells and needs. */
export interface SpeakerPort {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly spec: StructuredSpec;
  /** One line of JSON to the child. */
  write(message: unknown): Promise<Outcome>;
  /** The conversation is open: prompts are taken from now on. */
  opened(): void;
  /** It could not be opened; stays so until `opened`. */
  refused(problem: Problem): void;
  identified(said: { conversation?: string; version?: string }): void;
  /** The agent has the prompt. `id` null: whichever is under way. */
  taken(id: string | null): void;
  /** The child's input took less than the whole prompt. */
  notWritten(id: string): void;
  /** Turn `id` ended; null: whichever is under way. One that is not under way is nobody's. */
  ended(id: string | null, end: TurnEnd): void;
  /** The agent works though nobody asked it to (a task in the background came back), until `ended(null)`. */
  workedByItself(): void;
  /** Pieces of one role in a row are one text. `first`: a new one begins; `whole`: it is one by itself. */
  say(role: 'user' | 'agent' | 'thought', text: string, piece?: 'more' | 'first' | 'whole'): void;
  entry(entry: EntryBody): void;
  usage(usage: AgentUsage): void;
  /** Something went wrong that the agent tries to get over by itself; null: it did. */
  trouble(text: string | null): void;
  ask(request: Omit<AgentRequest, 'since' | 'source'>, reply: (reply: RequestReply) => Promise<Outcome>): void;
  withdraw(requestId: string): void;
  /** Something unexpected, once for each `kind`: bounded. */
  note(kind: string, text: string): void;
}
