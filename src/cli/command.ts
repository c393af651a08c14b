/** What a command of the command line is: data for parsing and help, and a lazily loaded function. */
import type { Holdfast } from '../client/index.ts';
import type { Output } from './output.ts';

export interface OptionSpec {
  name: string;
  short?: string;
  /** Name of the value in help; absent: a switch. */
  value?: string;
  /** May also stand alone: `--name` or `--name=VALUE`, alone it is the empty text. */
  optionalValue?: true;
  /** May be given several times. */
  multiple?: boolean;
  about: string;
}

/** A word before the verbs that go with it. */
export interface NounSpec {
  name: string;
  about: string;
}

export interface CommandSpec {
  /** One word, or a noun and a verb. */
  name: string;
  /** Positionals as shown in help; also says how many: `ID`, `[ID]`, `ID…`. */
  usage: string;
  about: string;
  details?: string;
  /** Where the overview lists it; missing: among the plain commands. */
  group?: 'agents';
  options: readonly OptionSpec[];
  /** The first positional and everything after it belong to the child. */
  passthrough?: boolean;
  /** Smallest and largest number of positionals. */
  positionals: readonly [number, number];
  load: () => Promise<{ run: RunCommand }>;
}

export type RunCommand = (context: CommandContext) => Promise<number>;

export type OptionValues = Record<string, string | boolean | (string | boolean)[] | undefined>;

export interface ConnectChoice {
  /** Default true. */
  start?: boolean;
}

export interface CommandContext {
  options: OptionValues;
  positionals: string[];
  /** The child's argv, for commands with `passthrough`. */
  rest: string[];
  json: boolean;
  home: string;
  /** Path of `holdfast.cjs`. */
  loader: string;
  env: NodeJS.ProcessEnv;
  out: Output;
  connect(choice?: ConnectChoice): Promise<Holdfast>;
}
