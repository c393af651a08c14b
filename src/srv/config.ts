/**
 * `config.toml` of a home (DESIGN §8). Every key is optional; an unknown one is an error that names it.
 *
 * | key                       | default    | meaning                                                                       |
 * | ------------------------- | ---------- | ----------------------------------------------------------------------------- |
 * | `limits.live_sessions`    | 1000       | sessions that may be live at once (1–100000); one more is `busy`               |
 * | `limits.home_spill_bytes` | 4294967296 | bytes of all session logs together; the oldest segments go first               |
 * | `retention.exited_days`   | 7          | days an exited session stays (0–36500)                                         |
 * | `retention.exited_count`  | 200        | exited sessions that stay, the youngest (0–100000)                             |
 * | `retention.events_days`   | 30         | days an event can be replayed (1–36500)                                        |
 * | `retention.events_count`  | 1000000    | events that can be replayed (1000–100000000)                                   |
 * | `shim.warm_spares`        | 1          | shims kept ready for the next session (0–4)                                    |
 * | `session.memory_bytes`    | 1048576    | output held in memory, per stream                                              |
 * | `session.spill_bytes`     | 67108864   | output held on disk, per session; 0 = none                                     |
 * | `session.segment_bytes`   | 4194304    | size of one log segment                                                        |
 * | `session.stall_ms`        | 30000      | how long a `lossless` reader may hold a child up                               |
 * | `session.lease_ms`        | 30000      | how long a driver's lease waits for its lost socket                            |
 * | `session.linger_ms`       | none       | how long an exited session waits for others that hold its output               |
 * | `session.allow_lossless`  | false      | whether readers other than the driver may throttle the child                   |
 * | `agents.NAME`             | –          | an agent profile of that name, whole or with `extends`: docs/PROFILES.md        |
 * | `attach.detach_key`       | –          | read by the command line only; here it may stand                               |
 */
import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import { BUILT_IN_PROFILES } from '../agents/index.ts';
import type { AgentProfile } from '../protocol/agent/index.ts';
import { HoldfastError, invalid, limits } from '../protocol/index.ts';
import type { SessionLimits } from '../protocol/launch/index.ts';
import { readProfiles } from './agents/profiles.ts';

export interface SrvConfig {
  /** Of `[agents.NAME]` tables. */
  profiles: AgentProfile[];
  liveSessions: number;
  homeSpillBytes: number;
  exitedKeptMs: number;
  exitedKeptCount: number;
  eventsKeptMs: number;
  eventsKeptCount: number;
  warmSpares: number;
  session: SessionLimits;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const MIB = 1024 * 1024;

export const DEFAULT_CONFIG: SrvConfig = {
  liveSessions: limits.LIVE_SESSIONS_COUNT,
  homeSpillBytes: limits.HOME_SPILL_BYTES,
  exitedKeptMs: limits.EXITED_KEPT_MS,
  exitedKeptCount: limits.EXITED_KEPT_COUNT,
  eventsKeptMs: limits.EVENTS_KEPT_MS,
  eventsKeptCount: limits.EVENTS_KEPT_COUNT,
  warmSpares: 1,
  profiles: [],
  session: {
    memory_bytes: limits.LOG_MEMORY_BYTES,
    spill_bytes: limits.LOG_SPILL_BYTES,
    segment_bytes: limits.LOG_SEGMENT_BYTES,
    stall_ms: limits.STALL_MS,
    lease_ms: limits.LEASE_MS,
    linger_ms: null,
    allow_lossless: false,
  },
};

type Setting = (config: SrvConfig, value: unknown, key: string) => void;

/** An integer setting of `low` to `high`. */
function integer(low: number, high: number, set: (config: SrvConfig, value: number) => void): Setting {
  return (config, value, key) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
      throw invalid(key, `config.toml: ${key} is an integer from ${low} to ${high}, got ${JSON.stringify(value)}`);
    }
    set(config, value);
  };
}

function ofSession(name: Exclude<keyof SessionLimits, 'allow_lossless'>, low: number, high: number): Setting {
  return integer(low, high, (config, value) => {
    config.session[name] = value;
  });
}

const SETTINGS: Record<string, Setting> = {
  'limits.live_sessions': integer(1, 100_000, (config, value) => {
    config.liveSessions = value;
  }),
  'limits.home_spill_bytes': integer(0, Number.MAX_SAFE_INTEGER, (config, value) => {
    config.homeSpillBytes = value;
  }),
  'retention.exited_days': integer(0, 36_500, (config, value) => {
    config.exitedKeptMs = value * DAY_MS;
  }),
  'retention.exited_count': integer(0, 100_000, (config, value) => {
    config.exitedKeptCount = value;
  }),
  'retention.events_days': integer(1, 36_500, (config, value) => {
    config.eventsKeptMs = value * DAY_MS;
  }),
  'retention.events_count': integer(1_000, 100_000_000, (config, value) => {
    config.eventsKeptCount = value;
  }),
  'shim.warm_spares': integer(0, 4, (config, value) => {
    config.warmSpares = value;
  }),
  'session.memory_bytes': ofSession('memory_bytes', 64 * 1024, 64 * MIB),
  'session.spill_bytes': ofSession('spill_bytes', 0, 1024 ** 4),
  'session.segment_bytes': ofSession('segment_bytes', 64 * 1024, 1024 * MIB),
  'session.stall_ms': ofSession('stall_ms', 0, DAY_MS),
  'session.lease_ms': ofSession('lease_ms', 0, DAY_MS),
  'session.linger_ms': ofSession('linger_ms', 0, 365 * DAY_MS),
  'session.allow_lossless': (config, value, key) => {
    if (typeof value !== 'boolean')
      throw invalid(key, `config.toml: ${key} is true or false, got ${JSON.stringify(value)}`);
    config.session.allow_lossless = value;
  },
  'attach.detach_key': (_config, value, key) => {
    if (typeof value !== 'string') throw invalid(key, `config.toml: ${key} is a string, got ${JSON.stringify(value)}`);
  },
};

/** Without a file: the defaults. Throws `invalid_argument` with the key as its field. */
export function readConfig(file: string): SrvConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return structuredClone(DEFAULT_CONFIG);
    throw new HoldfastError('invalid_argument', `${file} cannot be read: ${(error as Error).message}`, {
      field: 'config.toml',
      cause: error,
    });
  }
  return parseConfig(text);
}

export function parseConfig(text: string): SrvConfig {
  let tables: Record<string, unknown>;
  try {
    tables = parse(text);
  } catch (error) {
    const at = error instanceof TomlError ? ` (line ${error.line}, column ${error.column})` : '';
    const [reason = ''] = (error as Error).message.split('\n');
    throw new HoldfastError('invalid_argument', `config.toml is not TOML${at}: ${reason}`, {
      field: 'config.toml',
      cause: error,
    });
  }
  const config = structuredClone(DEFAULT_CONFIG);
  const { agents, ...settings } = tables;
  config.profiles = readProfiles(agents, BUILT_IN_PROFILES);
  for (const [section, table] of Object.entries(settings)) {
    const isTable = typeof table === 'object' && table !== null && !Array.isArray(table);
    const entries = isTable
      ? Object.entries(table).map(([name, value]) => [`${section}.${name}`, value] as const)
      : [[section, table] as const];
    for (const [key, value] of entries) {
      const setting = SETTINGS[key];
      if (setting === undefined)
        throw invalid(key, `config.toml: unknown key "${key}"; known are ${Object.keys(SETTINGS).join(', ')}`);
      setting(config, value, key);
    }
  }
  return config;
}
