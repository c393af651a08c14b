/** What an agent's session is started with: argv and environment by its profile, and the contract to start it again. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { AgentPlan, AgentPlanner, AgentStart } from '../../domains/agents/index.ts';
import type { Session } from '../../domains/sessions/index.ts';
import type { AgentProfile } from '../../protocol/agent/index.ts';
import type { CreateSession } from '../../protocol/control/index.ts';
import { type HomePaths, sessionDirectory } from '../../protocol/home/index.ts';
import { HoldfastError, invalid } from '../../protocol/index.ts';
import type { AgentLaunch } from '../../protocol/launch/index.ts';
import type { Profiles } from './profiles.ts';
import { sessionToken } from './token.ts';
import type { Versions } from './versions.ts';

export type Environment = readonly (readonly [string, string])[];

export interface AgentLaunchesOptions {
  paths: HomePaths;
  secret: string;
  profiles: Profiles;
  versions: Versions;
  /** The hook command, quoted for sh. */
  report: string;
  /** Directory of the worktrees that are made here. */
  worktrees: string;
}

const SETTINGS_FILE = 'settings.json';
const PLUGIN_FILE = 'plugin.js';

/** What placeholders stand for. */
type Words = Readonly<Record<string, string>>;

export class AgentLaunches implements AgentPlanner {
  readonly #options: AgentLaunchesOptions;
  /** Versions found out for a start that is about to be decided. */
  readonly #versions = new WeakMap<object, string | null>();

  constructor(options: AgentLaunchesOptions) {
    this.#options = options;
  }

  /** Finds out what deciding on this start needs to know. `asked` is what `plan` will be given. */
  async prepare(asked: object, start: AgentStart, env: Environment, cwd: string): Promise<void> {
    const profile = this.#options.profiles.choose(start.profile, null, 'agent.profile');
    const argv = versionArgv(profile, start);
    const scrubbed: Environment = [...agentEnvironment(profile, env), ...Object.entries(profile.launch.set)];
    this.#versions.set(asked, argv === null ? null : await this.#options.versions.of(argv, scrubbed, cwd));
  }

  plan(start: AgentStart, sessionId: string, conversation: string | null, asked: object): AgentPlan {
    const cliVersion = this.#versions.get(asked) ?? null;
    const profile = this.#options.profiles.choose(start.profile, cliVersion, 'agent.profile');
    const { fresh, resume } = templates(profile, start);
    const template = conversation === null ? fresh : resume;
    if (template === null) {
      throw invalid('agent.conversation', `agent ${profile.name} cannot resume a conversation in mode ${start.mode}`);
    }
    if (template.length === 0) throw invalid('argv', `agent profile ${profile.name} names no program; name one`);
    const made = fresh?.some((word) => word.includes('{conversation}')) === true ? conversationId(sessionId) : null;
    const conversationIs = conversation ?? made;
    const words = this.#words(sessionId, conversationIs);
    return {
      argv: [...template.map((word) => filled(word, words)), ...(start.args ?? [])],
      cli_version: cliVersion,
      conversation_id: conversationIs,
      resumed: conversation !== null,
    };
  }

  /** Whether the agent can go on with a conversation. */
  canResume(start: AgentStart): boolean {
    const profile = this.#options.profiles.choose(start.profile, null, 'agent.profile');
    return templates(profile, start).resume !== null;
  }

  worktree(sessionId: string): string {
    return join(this.#options.worktrees, sessionId);
  }

  /** Of a session that was just created. */
  launchOf(
    session: Session,
    cliVersion: string | null,
    env: Environment,
  ): { agent: AgentLaunch; env: [string, string][] } {
    const { agent } = session;
    if (agent === null || agent === undefined)
      throw new HoldfastError('internal', `session ${session.id} has no agent`);
    const { profiles, secret, report } = this.#options;
    const words = this.#words(session.id, agent.conversation_id);
    const profile = profiles.choose(agent.profile, cliVersion, 'agent.profile');
    return {
      agent: {
        agent_id: agent.agent_id,
        profile,
        mode: agent.mode,
        conversation_id: agent.conversation_id,
        resumed: agent.resumed,
        cli_version: cliVersion,
        files: filesOf(profile, report),
        token: sessionToken(secret, session.id),
        report,
      },
      env: withOwn(profile, agentEnvironment(profile, env), words),
    };
  }

  #words(sessionId: string, conversation: string | null): Words {
    const directory = sessionDirectory(this.#options.paths, sessionId);
    return {
      '{conversation}': conversation ?? '',
      '{settings}': join(directory, SETTINGS_FILE),
      '{plugin}': join(directory, PLUGIN_FILE),
      '{report}': this.#options.report,
    };
  }
}

export function startOfCommand({ agent, argv }: CreateSession): AgentStart | null {
  if (agent === undefined) return null;
  const { profile, mode = 'pty', args } = agent;
  return { profile, mode, ...(args === undefined ? {} : { args }), ...(argv === undefined ? {} : { argv }) };
}

/** Argv of a new conversation and of one that is resumed; null: the agent cannot. */
function templates(
  profile: AgentProfile,
  { mode, argv }: AgentStart,
): { fresh: string[] | null; resume: string[] | null } {
  const own = mode === 'pty' ? profile.launch : profile.structured.find((one) => one.mode === mode);
  if (own === undefined) {
    const modes = ['pty', ...profile.structured.map((one) => one.mode)];
    throw invalid('agent.mode', `agent ${profile.name} has no mode ${mode}; it has ${modes.join(', ')}`);
  }
  if (argv === undefined) return { fresh: own.argv, resume: own.resume };
  if (argv.some((word) => word.includes('{conversation}'))) return { fresh: argv, resume: argv };
  // In place of the program; what resumes follows.
  return { fresh: argv, resume: own.resume === null ? null : [...argv, ...own.resume.slice(1)] };
}

/** With another program in place of the profile's, its version is asked of that. */
function versionArgv({ launch }: AgentProfile, { argv }: AgentStart): string[] | null {
  if (launch.version === null) return null;
  if (argv === undefined) return launch.version;
  const [program = ''] = argv;
  return baseName(program) === baseName(launch.version[0] ?? '') ? [program, ...launch.version.slice(1)] : null;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Placeholders once each, from left to right: what they stand for is not read again. */
function filled(word: string, words: Words): string {
  return word.replace(/\{(?:conversation|settings|plugin|report)\}/g, (name) => words[name] ?? name);
}

/** A UUID in form, made of what is unique already: the same session has the same conversation. */
function conversationId(sessionId: string): string {
  const hex = createHash('sha256').update(`conversation:${sessionId}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function filesOf({ hooks }: AgentProfile, report: string): Record<string, string> {
  const files: Record<string, string> = {};
  if (hooks.settings !== null) {
    const settings = filledIn(hooks.settings, (word) => word.replaceAll('{report}', () => report));
    files[SETTINGS_FILE] = `${JSON.stringify(settings, null, 2)}\n`;
  }
  if (hooks.plugin !== undefined) files[PLUGIN_FILE] = hooks.plugin;
  return files;
}

function filledIn(value: unknown, fill: (word: string) => string): unknown {
  if (typeof value === 'string') return fill(value);
  if (Array.isArray(value)) return value.map((one) => filledIn(one, fill));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filledIn(one, fill)]));
}

/** Without what would reach the agent from whoever started it. */
function agentEnvironment({ launch }: AgentProfile, env: Environment): [string, string][] {
  const isScrubbed = (name: string): boolean =>
    launch.scrub.some((scrub) => (scrub.endsWith('*') ? name.startsWith(scrub.slice(0, -1)) : name === scrub));
  return env.filter(([name]) => !isScrubbed(name)).map(([name, value]): [string, string] => [name, value]);
}

/** With what the profile sets, and adds to what the caller set. */
function withOwn({ launch }: AgentProfile, env: Environment, words: Words): [string, string][] {
  const variables = new Map(env);
  for (const [name, value] of Object.entries(launch.set)) variables.set(name, filled(value, words));
  for (const [name, value] of Object.entries(launch.merge ?? {})) {
    const own = filledIn(value, (word) => filled(word, words));
    const merged = mergedJson(variables.get(name), own);
    if (merged !== null) variables.set(name, merged);
  }
  return [...variables];
}

/** Null: `text` is no JSON object, so nothing can be added to it. */
function mergedJson(text: string | undefined, own: unknown): string | null {
  if (text === undefined || text.trim() === '') return JSON.stringify(own);
  let theirs: unknown;
  try {
    theirs = JSON.parse(text);
  } catch {
    return null; // What the agent makes of it is between it and who set it.
  }
  return isObject(theirs) ? JSON.stringify(mergedValues(theirs, own)) : null;
}

function mergedValues(theirs: unknown, own: unknown): unknown {
  if (Array.isArray(theirs) && Array.isArray(own)) return [...(theirs as unknown[]), ...(own as unknown[])];
  if (!isObject(theirs) || !isObject(own)) return theirs;
  const keys = Object.keys(own).map((key) => [
    key,
    Object.hasOwn(theirs, key) ? mergedValues(theirs[key], own[key]) : own[key],
  ]);
  return { ...theirs, ...(Object.fromEntries(keys) as object) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
