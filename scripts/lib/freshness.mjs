// Whether what was installed and built still fits the sources. Node's standard library only.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { inRoot, root } from './project.mjs';

const LOCK_STAMP = inRoot('node_modules', '.holdfast-lock');

/** What every build reads besides `src/`. */
const BUILD_INPUTS = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.types.json'];
const BUILD_SCRIPTS = ['scripts/build.mjs', 'scripts/lib', 'scripts/loader'];

export function dependenciesAreFresh() {
  if (!existsSync(inRoot('node_modules'))) return false;
  if (readText(LOCK_STAMP) === lockHash()) return true;
  if (!installedMatchesLock()) return false;
  // Somebody ran npm by hand.
  stampDependencies();
  return true;
}

export function stampDependencies() {
  writeFileSync(LOCK_STAMP, lockHash());
}

function lockHash() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  return hash.update(readFileSync(inRoot('package-lock.json'))).digest('hex');
}

/** Compares with the record which npm keeps of what it installed. */
function installedMatchesLock() {
  const installed = readJson(inRoot('node_modules', '.package-lock.json'))?.packages;
  const locked = readJson(inRoot('package-lock.json'))?.packages;
  if (installed === undefined || locked === undefined) return false;
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true || entry.devOptional === true;
    return found.version === entry.version && found.integrity === entry.integrity && existsSync(inRoot(path));
  });
}

/**
 * Freshness of one output directory. The cheap answer compares sizes and times with those of the last build; when they
 * differ, contents decide, so that a checkout or a touched file does not build again.
 */
export function buildIsFresh(outDir, inputs) {
  const stamp = readJson(stampFile(outDir));
  if (stamp === undefined || !stamp.outputs.every((file) => existsSync(join(outDir, file)))) return false;
  const files = inputFiles(inputs);
  const times = timesOf(files);
  if (stamp.times === times) return true;
  if (stamp.contents !== contentsOf(files)) return false;
  writeStamp(outDir, { ...stamp, times });
  return true;
}

/** Taken before the build reads its sources: a change made meanwhile then counts as new. */
export function takeFingerprint(inputs) {
  const files = inputFiles(inputs);
  return { times: timesOf(files), contents: contentsOf(files) };
}

export function stampBuild(outDir, fingerprint, outputs) {
  writeStamp(outDir, { ...fingerprint, outputs });
}

export const stampFile = (outDir) => join(outDir, '.stamp');

function writeStamp(outDir, stamp) {
  const file = stampFile(outDir);
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(stamp));
  renameSync(`${file}.${process.pid}`, file);
}

function inputFiles(inputs) {
  const files = [];
  for (const path of [...inputs, ...BUILD_SCRIPTS.map((script) => inRoot(script))]) collect(path, files);
  for (const path of BUILD_INPUTS) files.push(inRoot(path));
  return files;
}

function collect(path, files) {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) {
    files.push(path);
    return;
  }
  for (const name of readdirSync(path).sort()) {
    if (!name.endsWith('.test.ts')) collect(join(path, name), files);
  }
}

function timesOf(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    const { mtimeMs, size } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: 0, size: 0 };
    hash.update(`${relative(root, file)} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

function contentsOf(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(`${relative(root, file)}\n`);
    if (existsSync(file)) hash.update(readFileSync(file));
  }
  return hash.digest('hex');
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function readJson(file) {
  const text = readText(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Written by a process that was killed: as good as missing.
  }
}
