/**
 * An agent profile: how one agent CLI is started, spoken to and read, as data. A shim gets it at its start and may be
 * given another while it runs, so everything here is JSON. `src/agents/` checks, documents and interprets it.
 */
import type { Activity, Attention } from './status.ts';

export interface AgentProfile {
  /** `claude`, `codex`, …: what `run --agent` names. */
  name: string;
  title: string;
  /** Of this data; rises with every change. */
  revision: number;
  /** CLI versions it was recorded with, as a range (`>=2.1.0 <3`); null: any. */
  cli_versions: string | null;
  launch: LaunchProfile;
  input: InputProfile;
  dialogs: DialogRule[];
  rules: ScreenRule[];
  titles: TitleRule[];
  /** Whether OSC 9;4 (progress) and OSC 133 (prompt marks) mean what they say here. */
  progress: boolean;
  prompt_marks: boolean;
  /** Whether OSC 7501 reports are trusted. */
  program_status: boolean;
  hooks: HookProfile;
  /** Beside the PTY. */
  structured: StructuredProfile[];
  timings: AgentTimings;
}

export interface LaunchProfile {
  /**
   * argv of a new conversation; empty: the caller names one. Placeholders, here, in `set` and in `merge`: `{settings}`
   * (path of a file with `hooks.settings`), `{plugin}` (path of one with `hooks.plugin`), `{report}` (the hook command),
   * `{conversation}` (a UUID made for it).
   */
  argv: string[];
  /** argv that resumes `{conversation}`; null: it cannot. */
  resume: string[] | null;
  /** Prints the CLI's version; null: it has none. */
  version: string[] | null;
  /** Variables the child must not inherit, exact names or a prefix with `*`. */
  scrub: string[];
  set: Record<string, string>;
  /**
   * Additive. Variables that hold a JSON object: this is merged into what the caller has there, objects key by key, lists
   * appended, else the caller's counts. A value that is no JSON object is left as it is.
   */
  merge?: Record<string, Record<string, unknown>>;
  /** Where the conversation id is known from. */
  conversation: { from: 'argv' } | { from: 'hook'; event: string; field: string } | { from: 'none' };
}

export interface InputProfile {
  /** `bracketed`: ESC[200~ text ESC[201~; `plain`: as typed, lines joined by `newline`. */
  paste: 'bracketed' | 'plain';
  newline: string;
  submit: string;
  /** Keys that stop a turn, one sequence a step. */
  interrupt: string[];
  /** Keys that empty the input box. */
  clear: string[];
  /** Keys that end the program. */
  exit: string[];
  /** The input box on the screen: how its text is found. Null: it cannot be read. */
  box: InputBox | null;
  /** Lines or bytes beyond which a paste is shown as a mark instead of its text; the mark as a pattern. */
  collapsed: { pattern: Pattern } | null;
  /** Bytes beyond which a message is handed over as a file to read. */
  by_reference_bytes: number;
  /** Additive. Ms between the echo and the submit key: some programs take a fast Enter for part of a paste. */
  submit_after_ms?: number;
  /** Additive. A text that matches is a command to the program (`!ls`, `/help`); `prefix` in front makes it a message. */
  special?: { pattern: Pattern; prefix: string } | null;
  /** Additive. A last line that matches makes the program offer completions, which take the submit key; `suffix` behind it does not. */
  completes?: { pattern: Pattern; suffix: string };
  /** Additive. Lines around an answer that are the program's: status lines, hints, marks. */
  chrome?: Pattern[];
  /** Additive. What the program draws before the first line of an answer. */
  answer_mark?: Pattern;
  /** Additive. The last line of what a turn leaves when a person stopped it. */
  stopped_mark?: Pattern;
}

export interface InputBox {
  region: Region;
  /** Its first line, with one group: the text after the prompt mark. */
  prompt: Pattern;
  /** Lines that follow while they match belong to it too; null: one line. */
  continuation: Pattern | null;
  /** Additive. The first line below that is not the box's any more; up to it empty lines belong to the text. */
  end?: Pattern;
  /** Additive. The box is read from the last line that matches `end` upwards: all lines in a row that match `prompt`. */
  upwards?: boolean;
  /** Texts shown in an empty box. */
  placeholders: Pattern[];
  /** Whether text drawn dim is a placeholder. */
  dim_is_placeholder: boolean;
}

/**
 * A pattern over one line: JavaScript's syntax without look-around and back-references, at most 256 characters, no
 * quantifier inside a quantified group, no repeated group of alternatives, at most two open-ended quantifiers, of which a
 * pattern that does not begin with `^` counts as one. It is matched with the `u` flag. Lines are cut at 512 characters. So
 * its cost is bounded.
 */
export type Pattern = string;

export interface Region {
  /** `last`: the last `lines` non-empty lines; `whole`; `cursor`: the lines around the cursor; `after`: those after the last line that matches `mark`. */
  of: 'last' | 'whole' | 'cursor' | 'after';
  lines?: number;
  mark?: Pattern;
}

/** Every list that is given must hold: all of `all`, one of `any`, none of `none`. */
export interface Match {
  all?: Pattern[];
  any?: Pattern[];
  none?: Pattern[];
}

export interface ScreenRule {
  id: string;
  region: Region;
  match: Match;
  activity: Activity | null;
  attention: Attention | null;
  /** Higher first; the first that matches wins. */
  priority: number;
  confidence: number;
  /** Ms it must hold before it counts. */
  settle_ms: number;
  /** The screen says nothing now (a transcript viewer, a menu): nothing changes. */
  skip?: boolean;
}

export interface TitleRule {
  id: string;
  pattern: Pattern;
  activity: Activity | null;
  attention: Attention | null;
  confidence: number;
}

export interface DialogRule {
  id: string;
  kind: 'trust' | 'auth' | 'permission' | 'question';
  region: Region;
  match: Match;
  /** One line each: group 1 the key or number, group 2 the label. Null: the choices are fixed. */
  choice: Pattern | null;
  choices: DialogChoice[];
  /** Additive. The dialog begins with the last line that matches; without: with the region. */
  begin?: Pattern;
  /** Lines of the request's text: those of the region that match none of `choice` and `noise`. */
  noise: Pattern[];
}

export interface DialogChoice {
  id: string;
  /** Matches the label of a found choice; for fixed choices its label as it is. */
  label: Pattern;
  meaning: 'allow' | 'allow_always' | 'deny' | null;
  /** `{key}`: the key found on the screen; `{down}`: cursor-down as often as choices stand above. */
  keys: string;
}

export interface HookProfile {
  /** How the hooks get in; null: there are none. `settings` is written to a file of the session, `{report}` replaced. */
  settings: Record<string, unknown> | null;
  /** Additive. A program that the agent loads and that reports: written to a file of the session (`plugin.js`). */
  plugin?: string;
  events: HookRule[];
}

export interface HookRule {
  /** Name of the report (`AgentReport.name`). */
  event: string;
  /** Only when these payload fields have these values. */
  when?: Record<string, string>;
  /** Additive. Only when these payload fields, as text, match. */
  matching?: Record<string, Pattern>;
  activity: Activity | null;
  attention: Attention | null;
  /** Ms the evidence lasts; null: until another hook replaces it. */
  lease_ms: number | null;
  /** Payload fields (dotted paths). */
  response?: string;
  conversation?: string;
  transcript?: string;
  text?: string;
  /** Additive. Of an object with tokens under their names in `AgentUsage`. */
  usage?: string;
  /** What it means for a message under way. */
  turn?: 'started' | 'ended' | 'failed' | 'stopped';
}

export interface StructuredProfile {
  mode: 'acp' | 'stream_json';
  argv: string[];
  resume: string[] | null;
}

export interface AgentTimings {
  /** A start that did not prove itself ready is warned of after this. */
  ready_ms: number;
  echo_ms: number;
  /** From the submit key to the first sign of work. */
  start_ms: number;
  /** Quiet that makes an end of work count. */
  settle_ms: number;
  /** From an interrupt to idle. */
  interrupt_ms: number;
}
