/** A home whose `config.toml` knows the scripted agent, and what its child was given. */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'smol-toml';
import type { AgentProfile } from '../../src/protocol/agent/index.ts';
import { type AgentScript, scriptedEnv, scriptedProfile } from './scripted-profile.ts';

const ACP_AGENT = fileURLToPath(new URL('../../src/shim/agent/structured/fixtures/acp-agent.mjs', import.meta.url));

/** Under the names given; the scripted agent resumes, because it does not care what it is told. */
export function agentHome(
  names: readonly string[] = [scriptedProfile.name],
  changed: (profile: AgentProfile) => AgentProfile = (profile) => profile,
): string {
  const home = mkdtempSync(join(tmpdir(), 'hfg-'));
  const profiles = names.map((name): [string, unknown] => {
    const { name: _name, ...profile } = changed(profileNamed(name));
    return [name, withoutNulls(profile)];
  });
  writeFileSync(join(home, 'config.toml'), stringify({ agents: Object.fromEntries(profiles) }));
  return home;
}

function profileNamed(name: string): AgentProfile {
  const { launch } = scriptedProfile;
  return {
    ...scriptedProfile,
    name,
    launch: { ...launch, argv: [...launch.argv, '--session', '{conversation}'], conversation: { from: 'argv' } },
    structured: [{ mode: 'acp', argv: [process.execPath, ACP_AGENT], resume: null }],
  };
}

/** TOML has no null: what is null is left out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, entry]) => entry !== null);
  return Object.fromEntries(kept.map(([key, entry]) => [key, withoutNulls(entry)]));
}

/** Words of `run` that give an agent its script, which logs to `truth-NAME` in the home. */
export function scripted(home: string, name: string, script: AgentScript = {}): string[] {
  const [key, value] = scriptedEnv({ log: truthFile(home, name), ...script });
  return ['--env', `${key}=${value}`];
}

export interface Truth {
  event: string;
  at: number;
  text?: string;
}

/** What the agent itself says that happened. */
export function truthOf(home: string, name: string, event: string): Truth[] {
  const file = truthFile(home, name);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Truth)
    .filter((entry) => entry.event === event);
}

function truthFile(home: string, name: string): string {
  return join(home, `truth-${name}`);
}

/** What tells a program that it runs inside a session. */
export function insideOf(pid: number): Record<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  const own = entries.filter((entry) => entry.startsWith('HOLDFAST_'));
  return Object.fromEntries(
    own.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}
