/** A home and a project of its own for one agent, a model endpoint, and the CLI under its own name on the PATH. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BUILT_IN_PROFILES } from '../../../src/agents/index.ts';
import type { AgentProfile } from '../../../src/protocol/agent/index.ts';
import type { AgentCli, Place } from '../cli/contract.ts';
import { createModelEndpoint, type ModelEndpoint } from '../endpoint/index.ts';

export class AgentPlace {
  readonly cli: AgentCli;
  readonly endpoint: ModelEndpoint;
  /** What Holdfast is told to start besides what its profile says. */
  readonly args: string[];
  readonly env: [string, string][];
  readonly cwd: string;
  readonly #directory: string;

  private constructor(cli: AgentCli, endpoint: ModelEndpoint, directory: string, settled: Settled) {
    const home = join(directory, 'home');
    this.cwd = join(home, 'proj');
    mkdirSync(this.cwd, { recursive: true });
    const place: Place = { endpoint: endpoint.url, home, cwd: this.cwd };
    for (const { path, text } of cli.files(place, settled)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    const { argv, env } = cli.launch(place);
    const first = argv.findIndex((word) => word.startsWith('-'));
    const program = first < 0 ? argv : argv.slice(0, first);
    const bin = join(directory, 'bin');
    putOnPath(bin, cli.name, program);
    this.cli = cli;
    this.endpoint = endpoint;
    this.args = withoutOwn(first < 0 ? [] : argv.slice(first), profileOf(cli.name));
    this.env = env.map(([name, value]) => [name, name === 'PATH' ? `${bin}:${value}` : value]);
    this.#directory = directory;
  }

  static async create(cli: AgentCli, settled: Settled): Promise<AgentPlace> {
    const endpoint = await createModelEndpoint({ dialects: cli.dialects });
    return new AgentPlace(cli, endpoint, mkdtempSync(join(tmpdir(), 'hfp-')), settled);
  }

  async close(): Promise<void> {
    await this.endpoint.close();
    // What the agent left behind may still write.
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

export type Settled = Parameters<AgentCli['files']>[1];

export function profileOf(name: string): AgentProfile {
  const profile = BUILT_IN_PROFILES.find((one) => one.name === name);
  if (profile === undefined) throw new Error(`there is no profile ${name}`);
  return profile;
}

/** The profile names a program; where npm puts it is nobody's PATH. */
function putOnPath(directory: string, name: string, program: readonly string[]): void {
  mkdirSync(directory);
  const file = join(directory, name);
  writeFileSync(file, `#!/bin/sh\nexec ${program.map((word) => `'${word}'`).join(' ')} "$@"\n`);
  chmodSync(file, 0o755);
}

/** Flags that the profile gives as well: some CLIs take each only once. */
function withoutOwn(args: readonly string[], { launch }: AgentProfile): string[] {
  return args.filter((word) => !word.startsWith('--') || !launch.argv.includes(word));
}
