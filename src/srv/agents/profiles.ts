/** The agent profiles of a home: the built-in ones, and those of `[agents.NAME]` in config.toml, which come first. */
import { checkProfile } from '../../agents/index.ts';
import type { AgentProfile } from '../../protocol/agent/index.ts';
import type { ProfileRecord } from '../../protocol/control/index.ts';
import { HoldfastError, invalid } from '../../protocol/index.ts';
import { isInRange } from './version-range.ts';

type Table = Record<string, unknown>;

export class Profiles {
  readonly #configured: readonly AgentProfile[];
  readonly #builtIn: readonly AgentProfile[];

  constructor(configured: readonly AgentProfile[], builtIn: readonly AgentProfile[]) {
    this.#configured = configured;
    this.#builtIn = builtIn;
  }

  list(): ProfileRecord[] {
    const recordOf = (profile: AgentProfile, source: ProfileRecord['source']): ProfileRecord => ({
      name: profile.name,
      title: profile.title,
      revision: profile.revision,
      cli_versions: profile.cli_versions,
      modes: ['pty', ...profile.structured.map(({ mode }) => mode)],
      source,
    });
    const configured = new Set(this.#configured.map(({ name }) => name));
    return [
      ...this.#configured.map((profile) => recordOf(profile, 'config')),
      ...this.#builtIn.filter(({ name }) => !configured.has(name)).map((profile) => recordOf(profile, 'built_in')),
    ];
  }

  /**
   * The profile of that name for a version of its CLI: of several the first whose range has it, else the first. Throws
   * `not_found`, whose field is `field`.
   */
  choose(name: string, version: string | null, field: string): AgentProfile {
    const named = this.#configured.filter((profile) => profile.name === name);
    const candidates = named.length > 0 ? named : this.#builtIn.filter((profile) => profile.name === name);
    const fitting =
      version === null
        ? undefined
        : candidates.find(({ cli_versions }) => cli_versions !== null && isInRange(version, cli_versions));
    const chosen = fitting ?? candidates[0];
    if (chosen !== undefined) return chosen;
    const known = this.list().map((profile) => profile.name);
    throw new HoldfastError('not_found', `there is no agent profile "${name}"; known are ${known.join(', ')}`, {
      field,
    });
  }
}

/**
 * The profiles that `[agents.NAME]` tables describe: whole ones, or with `extends` what they change of a built-in one,
 * table by table. Throws `invalid_argument` naming the key.
 */
export function readProfiles(tables: unknown, builtIn: readonly AgentProfile[]): AgentProfile[] {
  if (tables === undefined) return [];
  if (!isTable(tables)) throw invalid('agents', 'config.toml: agents is a table of agent profiles: [agents.NAME]');
  return Object.entries(tables).map(([name, table]) => {
    const field = `agents.${name}`;
    if (!isTable(table)) throw invalid(field, `config.toml: ${field} is a table`);
    const { extends: base, ...own } = table;
    return checkProfile({ title: name, revision: 1, ...extended(base, own, builtIn, field), name }, field);
  });
}

function extended(base: unknown, own: Table, builtIn: readonly AgentProfile[], field: string): Table {
  if (base === undefined) return own;
  const profile = builtIn.find(({ name }) => name === base);
  if (profile !== undefined) return merged(profile as unknown as Table, own);
  const known = builtIn.map(({ name }) => name).join(', ');
  throw invalid(`${field}.extends`, `config.toml: ${field}.extends names no built-in profile; those are ${known}`);
}

/** Tables are merged, everything else is replaced. */
function merged(base: Table, own: Table): Table {
  const result: Table = { ...base };
  for (const [key, value] of Object.entries(own)) {
    const below = Object.hasOwn(base, key) ? base[key] : undefined;
    result[key] = isTable(value) && isTable(below) ? merged(below, value) : value;
  }
  return result;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
