/**
 * Records what a real CLI draws in each phase, as a corpus for status rules:
 *
 *   node scripts/record-agents.mjs CLI [SCENARIO…] [--rows 24] [--cols 80] [--out DIR] [--show]
 *     [--no-program-status]
 *
 * With --structured instead, what goes both ways in its structured mode, to test/fixtures/agents.
 *
 * For each phase `PHASE.bin`, the bytes of the terminal from the start up to that moment, and `PHASE.json`, what they
 * are and which status is right.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { agentClis, type AgentCli, type Place } from './cli/index.ts';
import { gemini } from './cli/gemini.ts';
import { opencode } from './cli/opencode.ts';
import { createModelEndpoint } from './endpoint/index.ts';
import { type Expected, type Scenario, scenarios } from './scenarios.ts';
import { acpStructured } from './structured/acp.ts';
import { claudeStructured } from './structured/claude.ts';
import { codexStructured } from './structured/codex.ts';
import { Lines, type StructuredMode } from './structured.ts';
import { AgentTerminal, type AgentTerminalOptions } from './terminal.ts';

/** `resume`: the conversation was begun by a scenario before. */
const STRUCTURED: Readonly<Record<string, (place: Place, resume: boolean) => StructuredMode>> = {
  claude: claudeStructured,
  codex: codexStructured,
  gemini: acpStructured(gemini, ['--acp']),
  opencode: acpStructured(opencode, ['acp']),
};
/** The paths are in the recordings: short, and nobody's. */
const ROOT = '/tmp/hfw';
/** More makes the corpus slow to read; the phases before are in each recording. */
const LIMIT_BYTES = 300_000;

interface Settings {
  rows: number;
  cols: number;
  /** False: the terminal does not answer the Program Status Protocol's query, so that titles and screens must do. */
  programStatus: boolean;
  out: string;
  /** Also print each screen. */
  show: boolean;
}

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    allowNegative: true,
    options: {
      rows: { type: 'string', default: '24' },
      cols: { type: 'string', default: '80' },
      out: { type: 'string' },
      structured: { type: 'boolean', default: false },
      'program-status': { type: 'boolean', default: true },
      show: { type: 'boolean', default: false },
    },
  });
  const [name, ...wanted] = positionals;
  const cli = agentClis.find((one) => one.name === name);
  if (cli === undefined) throw new Error(`name one of ${agentClis.map((one) => one.name).join(', ')}`);
  if (values.structured) {
    await recordStructured(cli, wanted, values.out ?? join('test', 'fixtures', 'agents', cli.name));
    return;
  }
  const unknown = wanted.filter((one) => !scenarios.some((scenario) => scenario.name === one));
  if (unknown.length > 0)
    throw new Error(`no scenario ${unknown.join()}; there are ${scenarios.map((s) => s.name).join()}`);
  const [rows, cols] = [Number(values.rows), Number(values.cols)];
  const programStatus = values['program-status'];
  const dialect = programStatus ? '' : '-titles';
  const size = rows === 24 && cols === 80 ? '' : `-${rows}x${cols}`;
  const out = values.out ?? join('test', 'fixtures', 'screens', `${cli.name}-${cli.version}${size}${dialect}`);
  for (const scenario of scenarios) {
    if (wanted.length > 0 ? !wanted.includes(scenario.name) : scenario.fits?.(cli) === false) continue;
    await record(cli, scenario, { rows, cols, programStatus, out, show: values.show });
  }
}

async function record(
  cli: AgentCli,
  scenario: Scenario,
  { rows, cols, programStatus, out, show }: Settings,
): Promise<void> {
  const root = join(ROOT, cli.name);
  rmSync(root, { recursive: true, force: true });
  const endpoint = await createModelEndpoint({ dialects: cli.dialects });
  endpoint.script(...scenario.turns(cli));
  const place: Place = { endpoint: endpoint.url, home: join(root, 'h'), cwd: join(root, 'proj') };
  mkdirSync(place.home, { recursive: true });
  const start = (options: AgentTerminalOptions): AgentTerminal =>
    AgentTerminal.start(cli, place, { rows, cols, programStatus, ...options });
  const run = {
    cli,
    place,
    endpoint,
    terminal: start(scenario.options ?? {}),
    save: (phase: string, expected: Expected): void => {
      const bytes = run.terminal.bytes();
      if (bytes.length > LIMIT_BYTES) throw new Error(`${phase} takes ${bytes.length} bytes, over ${LIMIT_BYTES}`);
      const about = { cli: cli.name, version: cli.version, rows, cols, phase, expected };
      mkdirSync(out, { recursive: true });
      writeFileSync(join(out, `${phase}.bin`), bytes);
      writeFileSync(join(out, `${phase}.json`), `${JSON.stringify(about, null, 2)}\n`);
      process.stdout.write(`${cli.name} ${phase}: ${bytes.length} bytes\n`);
      if (show) process.stdout.write(`${run.terminal.screen()}\n`);
    },
    async restart(options: AgentTerminalOptions): Promise<void> {
      await run.terminal.end();
      run.terminal = start(options);
    },
  };
  try {
    await scenario.play(run);
  } catch (error) {
    process.exitCode = 1;
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${cli.name} ${scenario.name}: ${reason}\n`);
  } finally {
    await run.terminal.end();
    await endpoint.close();
  }
}

async function recordStructured(cli: AgentCli, wanted: readonly string[], out: string): Promise<void> {
  const mode = STRUCTURED[cli.name];
  if (mode === undefined) throw new Error(`no structured mode of ${cli.name} is described`);
  const root = join(ROOT, cli.name);
  rmSync(root, { recursive: true, force: true });
  const place: Place = { endpoint: '', home: join(root, 'h'), cwd: join(root, 'proj') };
  for (const directory of [place.home, place.cwd]) mkdirSync(directory, { recursive: true });
  for (const { path, text } of cli.files(place, 'trusted')) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  let resume = false;
  for (const { name, turns, play } of mode(place, false).scenarios) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const endpoint = await createModelEndpoint({ dialects: cli.dialects });
    endpoint.script(...turns);
    const lines = new Lines(mode({ ...place, endpoint: endpoint.url }, resume).launch, place.cwd);
    await play(lines, endpoint);
    await lines.end();
    await endpoint.close();
    lines.save(join(out, `structured-${name}.ndjson`));
    resume = true;
    process.stdout.write(`${cli.name} ${name}\n`);
  }
}

await main(process.argv.slice(2));
