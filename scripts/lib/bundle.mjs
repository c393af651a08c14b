// The bundles, by esbuild.
//
// Each process becomes one file for all it always needs, plus a file per dynamic import, read when the import runs.
// esbuild splits only ES modules and spreads shared modules over many files; so it runs twice: first it splits, then
// the pieces which the entry loads at once are joined again, as CommonJS, and the lazy ones take what they share from
// there. Every module exists once per process: a class has one identity, wherever it is used.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import * as esbuild from 'esbuild';
import { inRoot, root, say } from './project.mjs';

const PROCESSES = {
  cli: 'cli/main.ts',
  srv: 'srv/main.ts',
  shim: 'shim/main.ts',
  launcher: 'launcher/main.ts',
  host: 'host/main.ts',
  'log-worker': 'kernel/sqlite/worker.ts',
};
const CLIENT = 'client/index.ts';
/** Processes of the design which are still to be written. */
const PLANNED = new Set(['launcher', 'host']);

/** Native code stays where npm put it. */
const EXTERNAL = ['@lydell/node-pty', 'libsql', 'koffi'];

/** Modules of Node that most runs of a process never need, and which cost 0.2 to 0.3 MiB each. */
const LAZY_BUILTINS = /^node:(child_process|crypto|fs\/promises|module|zlib)$/;
/** What esbuild calls them. */
const LAZY_NAMES = new Set(['node_child_process', 'node_crypto', 'promises', 'node_module', 'node_zlib']);

const LICENSES = 'THIRD-PARTY-LICENSES.txt';

/** Builds one target; returns the names of the files which make it up. */
export async function build(target) {
  mkdirSync(target.outDir, { recursive: true });
  const files = new Map();
  const packages = new Set();
  if (target.kind === 'bench') {
    await buildBench(target, files, packages);
  } else {
    const lazyChunks = {};
    const entries = Object.entries(PROCESSES).filter(([name, path]) => entryExists(target.src, path, name));
    await Promise.all([
      ...entries.map(async ([name, path]) => {
        lazyChunks[name] = await buildProcess(target, name, join(target.src, path), files, packages);
      }),
      entryExists(target.src, CLIENT, 'client') ? buildClient(target, files, packages) : undefined,
    ]);
    add(files, 'holdfast.cjs', await buildLoader(lazyChunks));
    add(files, LICENSES, licensesOf(packages));
  }
  writeOutputs(target.outDir, files);
  return [...files.keys()];
}

function common(target) {
  return {
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    external: EXTERNAL,
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
    absWorkingDir: root,
    outdir: target.outDir,
    define: {
      __HOLDFAST_FAULTS__: String(target.faults === true),
      __HOLDFAST_VERSION__: JSON.stringify(JSON.parse(readFileSync(inRoot('package.json'), 'utf8')).version),
    },
  };
}

async function buildProcess(target, name, entry, files, packages) {
  const split = await esbuild.build({
    ...common(target),
    format: 'esm',
    splitting: true,
    entryPoints: [{ in: entry, out: name }],
    chunkNames: `${name}.[name]-[hash]`,
    metafile: true,
    sourcemap: target.faults ? 'inline' : false,
    // The second pass gives these their meaning in CommonJS.
    supported: { 'import-meta': true, 'dynamic-import': true },
  });
  collectPackages(split.metafile, packages);
  const graph = new PieceGraph(split, `${name}.js`);
  const results = await Promise.all(
    [graph.entry, ...graph.separate].map((piece) => joinPiece(target, name, graph, piece)),
  );
  for (const [file, text] of results.flat()) add(files, file, text);
  return graph.separate.map(toCjs);
}

/** The first pass's pieces by file name, and which of them the entry loads at once. */
class PieceGraph {
  constructor({ outputFiles, metafile }, entry) {
    this.entry = entry;
    this.texts = new Map(outputFiles.map((file) => [basename(file.path), file.text]));
    this.imports = new Map();
    for (const [path, output] of Object.entries(metafile.outputs)) {
      const internal = output.imports.filter((found) => found.external !== true);
      this.imports.set(
        basename(path),
        internal.map((found) => ({ kind: found.kind, name: basename(found.path) })),
      );
    }
    this.eager = this.#closureOf(entry);
    this.shared = [...this.eager].filter((name) => name !== entry);
    this.separate = [...this.texts.keys()].filter((name) => !this.eager.has(name));
  }

  #closureOf(start) {
    const closure = new Set([start]);
    for (const name of closure) {
      for (const found of this.imports.get(name) ?? []) if (found.kind === 'import-statement') closure.add(found.name);
    }
    return closure;
  }
}

/** Second pass for one piece: the entry with all it loads at once, or one lazy piece. Returns its files. */
async function joinPiece(target, name, graph, piece) {
  const isEntry = piece === graph.entry;
  const result = await esbuild.build({
    ...common(target),
    // The source stays in memory for as long as the process, and of shims there are many.
    minifyWhitespace: name === 'shim' && !target.faults,
    format: 'cjs',
    entryPoints: [{ in: isEntry ? 'piece:entry' : `piece:${piece}`, out: piece.slice(0, -'.js'.length) }],
    outExtension: { '.js': '.cjs' },
    supported: { 'dynamic-import': false },
    inject: [inRoot('scripts', 'loader', 'import-meta.js')],
    define: {
      'import.meta.url': 'importMetaUrl',
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
    },
    sourcemap: target.faults ? 'external' : false,
    plugins: [pieces(name, graph, isEntry)],
  });
  return result.outputFiles.map((file) => {
    const base = basename(file.path);
    return [base, base.endsWith('.cjs') ? withHash(withPlainBuiltins(file.text)) : file.text];
  });
}

function pieces(name, graph, isEntry) {
  return {
    name: 'pieces',
    setup(pass) {
      pass.onResolve({ filter: LAZY_BUILTINS }, ({ path }) => ({
        path,
        namespace: 'lazy-builtin',
        sideEffects: false,
      }));
      pass.onLoad({ filter: /.*/, namespace: 'lazy-builtin' }, ({ path }) => ({ contents: lazyBuiltin(path) }));
      const at = (path) => ({ path, namespace: 'piece' });
      pass.onResolve({ filter: /^piece:/ }, ({ path }) => at(path.slice('piece:'.length)));
      pass.onResolve({ filter: /^\.\/.*\.js$/, namespace: 'piece' }, ({ path, kind }) => {
        const found = path.slice(2);
        if (isEntry && graph.eager.has(found)) return at(found);
        if (graph.eager.has(found)) return { path: found, namespace: 'shared' };
        if (kind === 'dynamic-import' || !isEntry) return { path: `./${toCjs(found)}`, external: true };
        return undefined;
      });
      pass.onLoad({ filter: /.*/, namespace: 'piece' }, ({ path }) => ({
        contents: path === 'entry' ? entrySource(graph) : graph.texts.get(path),
        loader: 'js',
        resolveDir: root,
      }));
      // What a lazy piece shares with the entry: the entry's own instance, exported under the piece's number.
      pass.onLoad({ filter: /.*/, namespace: 'shared' }, ({ path }) => ({
        contents: `module.exports = require('./${name}.cjs').${sharedName(graph, path)};`,
        loader: 'js',
      }));
      pass.onResolve({ filter: /.*/, namespace: 'shared' }, ({ path }) => ({ path, external: true }));
    },
  };
}

function entrySource(graph) {
  const shared = graph.separate.length === 0 ? [] : graph.shared;
  const lines = shared.map((piece) => `export * as ${sharedName(graph, piece)} from './${piece}';`);
  if (graph.separate.length > 0) lines.push(`export * as ${sharedName(graph, graph.entry)} from './${graph.entry}';`);
  return [...lines, `import './${graph.entry}';`].join('\n');
}

/** A stand-in that loads the module when one of its exports is first asked for. */
function lazyBuiltin(path) {
  const names = Object.keys(createRequire(import.meta.url)(path));
  const getters = names.map((key) => `get ${key}() { return load().${key}; }`);
  return `const load = () => process.getBuiltinModule('${path}');\nmodule.exports = { ${getters.join(',\n')} };`;
}

function sharedName(graph, piece) {
  return piece === graph.entry ? 'entry' : `shared${graph.shared.indexOf(piece)}`;
}

const toCjs = (piece) => `${piece.slice(0, -'.js'.length)}.cjs`;

async function buildClient(target, files, packages) {
  const result = await esbuild.build({
    ...common(target),
    format: 'esm',
    splitting: true,
    entryPoints: [{ in: join(target.src, CLIENT), out: 'client' }],
    chunkNames: 'client.[name]-[hash]',
    metafile: true,
    sourcemap: target.faults ? 'linked' : false,
  });
  collectPackages(result.metafile, packages);
  for (const file of result.outputFiles) add(files, basename(file.path), file.text);
}

async function buildBench(target, files, packages) {
  const result = await esbuild.build({
    ...common(target),
    format: 'esm',
    entryPoints: ['main.ts', 'children/*.ts'].map((entry) => inRoot('bench', entry)),
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
    packages: 'external',
    metafile: true,
    sourcemap: 'inline',
  });
  collectPackages(result.metafile, packages);
  for (const file of result.outputFiles) add(files, basename(file.path), file.text);
}

async function buildLoader(lazyChunks) {
  const result = await esbuild.build({
    entryPoints: [inRoot('scripts', 'loader', 'main.cjs')],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
    define: { __HOLDFAST_LAZY_CHUNKS__: JSON.stringify(lazyChunks) },
  });
  return result.outputFiles[0].text;
}

/**
 * Modules of Node as they are, not copied property by property into namespace objects at every start (100 KiB of
 * getters). The copy would only add `default`.
 */
function withPlainBuiltins(text) {
  const plain = text.replace(/__toESM\((require(?:\("node:[^"]+"\)|_[\w]+\(\)))(?:, ?1)?\)/g, (whole, load) => {
    const lazy = /^require_(\w+)\(\)$/.exec(load)?.[1];
    return lazy === undefined || LAZY_NAMES.has(lazy) ? load : whole;
  });
  const misused = /\bimport_node_\w+\.default\b/.exec(plain);
  if (misused) throw new Error(`${misused[0]}: import what you need of a module of Node by name`);
  return plain;
}

/** See scripts/loader/code-cache.cjs. */
function withHash(text) {
  return `/*${createHash('sha256').update(text).digest('hex').slice(0, 16)}*/\n${text}`;
}

function entryExists(src, path, name) {
  if (existsSync(join(src, path))) return true;
  if (!PLANNED.has(name)) say(`no ${path} yet: ${name} is left out`);
  return false;
}

function add(files, name, text) {
  if (files.has(name)) throw new Error(`two outputs are named ${name}`);
  files.set(name, text);
}

function collectPackages(metafile, packages) {
  for (const path of Object.keys(metafile.inputs)) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (found) packages.add(found[1]);
  }
}

function licensesOf(packages) {
  const texts = [...packages].sort().map((path) => {
    const { name, version, license, author } = JSON.parse(readFileSync(inRoot(path, 'package.json'), 'utf8'));
    const file = readdirSync(inRoot(path)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? knownLicense(name, license, author) : readFileSync(inRoot(path, file), 'utf8');
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return `Code of these packages is part of the bundles beside this file.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

/** For packages that name their licence and do not carry its text. */
function knownLicense(name, license, author) {
  if (license !== 'MIT') throw new Error(`${name} is bundled, but its licence (${license}) has no text`);
  return readFileSync(inRoot('scripts', 'loader', 'MIT.txt'), 'utf8').replace('<holder>', author?.name ?? author);
}

/** Replaces the directory's files one by one, each whole, then removes what no longer belongs there. */
function writeOutputs(outDir, files) {
  for (const [name, text] of files) {
    const file = join(outDir, name);
    const temporary = join(outDir, `.${name}.${process.pid}`);
    writeFileSync(temporary, text);
    if (name === 'holdfast.cjs') chmodSync(temporary, 0o755);
    renameSync(temporary, file);
  }
  for (const entry of readdirSync(outDir, { withFileTypes: true })) {
    const isCache = entry.name.endsWith('.cache') && files.has(`${entry.name.replace(/\.v\d.*$/, '')}.cjs`);
    if (entry.isFile() && !files.has(entry.name) && !isCache && entry.name !== '.stamp') {
      rmSync(join(outDir, entry.name), { force: true });
    }
  }
}
