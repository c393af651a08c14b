/** How a test runs a real agent CLI. What the CLI shows and says is a profile's matter, not this file's. */
import type { Dialect, ErrorKind } from '../endpoint/index.ts';

/** Where one run lives: nothing outside is read or written. */
export interface Place {
  /** URL of the model endpoint. */
  endpoint: string;
  /** Absolute; becomes HOME. */
  home: string;
  /** Absolute; the project the agent works in. */
  cwd: string;
}

export interface LaunchOptions {
  /** Begin a conversation with this id (UUID), where the CLI takes one. */
  conversation?: string;
  /** Go on with the conversation of this id. */
  resume?: string;
  /** More arguments, after the CLI's own. */
  args?: readonly string[];
  /** Instead of the CLI's own, or besides. */
  env?: readonly [string, string][];
}

export interface Launch {
  argv: string[];
  /** The whole environment: nothing is inherited. */
  env: [string, string][];
}

export interface PlacedFile {
  /** Absolute. */
  path: string;
  text: string;
}

export interface ToolCall {
  name: string;
  input: Record<string, unknown>;
}

export interface AgentCli {
  readonly name: string;
  readonly version: string;
  readonly dialects: readonly Dialect[];
  /** On a terminal. Throws when the CLI is not installed. */
  launch(place: Place, options?: LaunchOptions): Launch;
  /**
   * Files to put in place before the start. `nothing`: the first start of a new user; `onboarding`: themes and keys are
   * settled, the folder is not trusted yet; `trusted`: straight to the prompt.
   */
  files(place: Place, settled: 'nothing' | 'onboarding' | 'trusted'): PlacedFile[];
  /** A new user is asked how to sign in, in a folder that is trusted. */
  readonly asksLogin?: true;
  /** What the screen has when the composer takes keys; without it, silence says so. */
  readonly composer?: RegExp;
  /** What it tries to get over for minutes instead of giving up; without it, the broken stream alone. */
  readonly insists?: readonly (ErrorKind | 'break')[];
  /** The id of the conversation in the last screen, of a CLI that takes none at its start. */
  conversationSaid?(screen: string): string | undefined;
  /** Environment in which the start asks about credentials; undefined when the CLI never does. */
  readonly doubtful?: readonly [string, string][];
  readonly keys: {
    submit: string;
    /** Stops the turn under way. */
    interrupt: string;
    /** Ends the program from the empty prompt; pressed one after the other. */
    exit: readonly string[];
    /** Each answers its dialog as a person would who says yes; null when there is no such dialog. */
    trust: string | null;
    approve: string;
    deny: string;
  };
  readonly tools: {
    /** Needs a permission in the CLI's default mode; its effect is the file `approved.txt` in the project. */
    permission: ToolCall;
    /** Others that need one, whose dialogs look different, by a name for the recording. `keys.deny` ends the turn. */
    more?: Readonly<Record<string, ToolCall>>;
    /** Runs without asking, for about `seconds`; null when the CLI has none. */
    slow: ((seconds: number) => ToolCall) | null;
    /** Asks the person a question with choices; null when the CLI has none. */
    question: ToolCall | null;
  };
}
