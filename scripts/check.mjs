// `npm run check`: types, lint, format, layers, dead code, what is made from the schemas, and the table of what tests
// each command, side by side. Prints what a failing tool said.
//   check.mjs [types | lint | format | layers | unused | schemas | coverage …]
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { inRoot } from './lib/project.mjs';
import { tsc } from './lib/types.mjs';

const node = process.execPath;
const tool = (...path) => inRoot('node_modules', ...path);

/** The slow ones first: the others fill the gaps. */
const TOOLS = {
  layers: [tool('dependency-cruiser', 'bin', 'dependency-cruise.mjs'), 'src', 'test', '--output-type', 'err'],
  unused: [tool('knip', 'bin', 'knip.js'), '--no-progress', '--no-config-hints'],
  lint: [tool('oxlint', 'bin', 'oxlint'), '--deny-warnings', '--report-unused-disable-directives-severity=error'],
  types: [tsc, '--pretty', 'false'],
  coverage: [inRoot('scripts', 'command-coverage.mjs'), '--check'],
  schemas: [inRoot('scripts', 'schemas.mjs'), '--check'],
  format: [tool('@biomejs', 'biome', 'bin', 'biome'), 'format', '--reporter=summary', '--colors=off'],
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(TOOLS, name));
if (unknown.length > 0) {
  process.stderr.write(`holdfast: no such check: ${unknown.join(', ')}; there are ${Object.keys(TOOLS).join(', ')}\n`);
  process.exit(2);
}

const queue = Object.entries(TOOLS).filter(([name]) => wanted.length === 0 || wanted.includes(name));
let failures = 0;
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
process.exitCode = failures > 0 ? 1 : 0;

async function work() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [name, command] = next;
    const started = performance.now();
    const { code, output } = await run(command);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (code === 0) {
      process.stdout.write(`ok      ${name} (${seconds} s)\n`);
    } else {
      failures++;
      process.stdout.write(`${output.trim()}\nFAILED  ${name} (${seconds} s)\n`);
    }
  }
}

function run(command) {
  return new Promise((resolve) => {
    const child = spawn(node, command, { cwd: inRoot(), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => (output += text));
    }
    child.once('close', (code) => resolve({ code, output }));
  });
}
