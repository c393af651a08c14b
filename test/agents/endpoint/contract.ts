/**
 * A model endpoint on loopback that answers real agent CLIs by script. A test says what each turn does; the endpoint
 * logs when it really happened, and that log is the truth that a status is compared with.
 */

/** One step of an answer, in the order the model would stream it. */
export type Step =
  /** Streams text in pieces over `over_ms` (default 0: at once). */
  | { do: 'text'; text: string; over_ms?: number }
  /** Streams reasoning, where the dialect has it; else the same time passes silently. */
  | { do: 'think'; text: string; over_ms?: number }
  /** Asks the agent to run a tool of its own. `name` and `input` are the CLI's (its profile's fixture knows them). */
  | { do: 'tool'; name: string; input: Record<string, unknown> }
  /** The connection stays open, nothing is sent. */
  | { do: 'wait'; ms: number }
  /** As `wait`, until the test calls `release(gate)`. */
  | { do: 'hold'; gate: string }
  /** Instead of an answer; must be the first step. `times` (default 1): so many requests get it, as CLIs try again. */
  | { do: 'error'; kind: ErrorKind; retry_after_s?: number; times?: number }
  /** What the answer reports as used; without it, an estimate from the lengths. May stand anywhere in the turn. */
  | { do: 'usage'; usage: Usage }
  /** Cuts the connection in the middle of the stream. */
  | { do: 'break' }
  /** Sends bytes that are not the protocol. */
  | { do: 'garbage'; bytes: string };

export type ErrorKind = 'rate_limit' | 'quota' | 'overloaded' | 'auth' | 'context_length' | 'server';

export type Turn = readonly Step[];

export interface Usage {
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
}

/** What the endpoint did, in order; `at` is ms since the Unix epoch. */
export type Entry =
  /** `body`: what was sent, as JSON: the whole conversation. */
  | { at: number; what: 'request'; turn: number; prompt: string; model: string; body: string }
  | { at: number; what: 'side_request'; path: string; prompt: string }
  | { at: number; what: 'step'; turn: number; step: Step }
  | { at: number; what: 'answered'; turn: number; usage: Usage }
  | { at: number; what: 'failed'; turn: number; kind: ErrorKind | 'break' | 'garbage' }
  /** The agent gave up waiting: an interrupt, or its death. */
  | { at: number; what: 'aborted'; turn: number }
  | { at: number; what: 'unknown'; method: string; path: string };

export interface ModelEndpoint {
  /** `http://127.0.0.1:PORT`; dialects share it, they differ in paths. */
  readonly url: string;
  readonly entries: readonly Entry[];
  /** Appends turns; a turn is used by one main request. A request without a turn left is answered with `fallback`. */
  script(...turns: Turn[]): void;
  /** Takes back the turns that are not used up: the next request is answered with what is scripted from now on. */
  forget(): void;
  /** Lets a `hold` of that gate go on; one that is not there yet will not stop when it comes. */
  release(gate: string): void;
  /** Resolves with the first entry (also an earlier one, from index `from`) that fits. Rejects after `deadline_ms`. */
  entry(fits: (entry: Entry) => boolean, deadline_ms: number, from?: number): Promise<Entry>;
  close(): Promise<void>;
}

export interface Asked {
  prompt: string;
  model: string;
  side: boolean;
  sideText?: string;
}

/** One wire format of model APIs. */
export interface Dialect {
  readonly name: string;
  /** Whether this request asks a model for an answer in this dialect. */
  answers(method: string, path: string): boolean;
  /**
   * What was asked. `side` is true for what the CLI asks on its own account (a title, a topic, a quota probe): it is
   * answered at once, with `sideText` (default `ok`), and uses no turn.
   */
  read(path: string, body: unknown): Asked;
  /** Headers and frames of a streamed (or whole) answer. One call per request. */
  open(request: { path: string; body: unknown; model: string }): Answer;
  /** A reply to other requests of the CLI that it cannot do without (model list, count_tokens), or null: 404. */
  other(method: string, path: string, body: unknown): { status: number; json: unknown } | null;
}

export interface Answer {
  readonly contentType: string;
  /** Bytes to send before the first step. The tokens of the output are not yet counted in `usage`. */
  start(usage: Usage): string;
  text(piece: string): string;
  think(piece: string): string;
  tool(id: string, name: string, input: Record<string, unknown>): string;
  end(usage: Usage): string;
  error(kind: ErrorKind, retryAfterS?: number): { status: number; headers: Record<string, string>; body: string };
}
