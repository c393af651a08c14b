'use strict';
// Compiles a bundle through V8's code cache: Node 20 has no module.enableCompileCache, and compiling is most of what a
// short command costs. A cache holds the functions which earlier runs have needed; measured, that beats one of all
// functions. It is made by the first run and extended by the next few, since not every run takes the same path.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const WRAPPER_HEAD = '(function (exports, require, module, __filename, __dirname) {';
const WRAPPER_TAIL = '\n})';

/** The build writes a bundle's content hash into its first line, so that no process has to compute it. */
const HASH_LINE = /^.*?\/\*([0-9a-f]{16})\*\/\n/;
/** What stands before V8's data: the bundle's hash and one digit, the number of runs that went into the cache. */
const HEADER_LENGTH = 17;
const LEARNING_RUNS = 4;
const GROWTH_WORTH_WRITING = 1.02;
/** When a process that stays counts as started. */
const SETTLED_MS = 1_000;

/** Caches to write: one listener for all of a process's files. */
const unsettled = [];

/** V8 refuses a cache made with other flags; such processes keep a file of their own instead of fighting over one. */
function runtimeKey() {
  const flags = process.execArgv.join(' ') + (process.env.NODE_OPTIONS ?? '');
  let hash = 0;
  for (let i = 0; i < flags.length; i++) hash = (Math.imul(hash, 31) + flags.charCodeAt(i)) >>> 0;
  return `${process.version}-${process.platform}-${process.arch}${flags === '' ? '' : `-${hash.toString(16)}`}`;
}

/** The module function of a bundle from `readWrapped`. Whatever is wrong with the cache, the bundle runs. */
function compile(filename, source) {
  const hash = HASH_LINE.exec(source)?.[1];
  const cacheFile = `${filename.slice(0, -'.cjs'.length)}.${runtimeKey()}.cache`;
  const cached = hash === undefined ? undefined : readCache(cacheFile, hash);
  const script = new vm.Script(source, { filename, cachedData: cached?.data });
  const usable = cached !== undefined && script.cachedDataRejected !== true;
  const runs = usable ? cached.runs : 0;
  if (hash !== undefined && runs < LEARNING_RUNS) {
    const worthwhile = usable ? cached.data.length * GROWTH_WORTH_WRITING : 0;
    onceSettled(() => writeCache(cacheFile, `${hash}${runs + 1}`, script, worthwhile));
  }
  return script.runInThisContext();
}

/**
 * A bundle's source as a module function, in one string: V8 keeps what it compiled, and would keep the parts as well.
 * The wrapper stands on the bundle's first line, so that line numbers in stack traces are true.
 */
function readWrapped(fd) {
  const { size } = fs.fstatSync(fd);
  const text = Buffer.allocUnsafeSlow(WRAPPER_HEAD.length + size + WRAPPER_TAIL.length);
  text.latin1Write(WRAPPER_HEAD);
  let end = WRAPPER_HEAD.length;
  for (let count = -1; count !== 0; end += count) count = fs.readSync(fd, text, end, WRAPPER_HEAD.length + size - end);
  end += text.latin1Write(WRAPPER_TAIL, end);
  return text.latin1Slice(0, end);
}

function readCache(file, hash) {
  let content;
  try {
    content = fs.readFileSync(file);
  } catch {
    return undefined; // None yet.
  }
  if (content.length <= HEADER_LENGTH || content.latin1Slice(0, HEADER_LENGTH - 1) !== hash) return undefined;
  return { runs: content[HEADER_LENGTH - 1] - 48, data: content.subarray(HEADER_LENGTH) };
}

/** At the end of a short process, or when a long one has started: with what it has compiled until then. */
function onceSettled(write) {
  unsettled.push(write);
  if (unsettled.length > 1) return;
  const timer = setTimeout(settle, SETTLED_MS);
  timer.unref();
  process.once('exit', settle);
  function settle() {
    clearTimeout(timer);
    process.removeListener('exit', settle);
    for (const writeOne of unsettled.splice(0)) writeOne();
  }
}

function writeCache(file, header, script, worthwhile) {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  let fd;
  try {
    // Opened first: an installation that cannot be written should not pay for serialising.
    fd = fs.openSync(temporary, 'wx', 0o644);
    const data = script.createCachedData();
    // A run that needed nothing new still counts: the file's digit says when to stop looking.
    const content = data.length > worthwhile ? data : undefined;
    if (content !== undefined) {
      fs.writevSync(fd, [Buffer.from(header, 'latin1'), content]);
      // V8 trusts what it reads and crashes on holes: no cut power may leave any under the final name.
      fs.fsyncSync(fd);
    }
    fs.closeSync(fd);
    fd = undefined;
    if (content === undefined) {
      fs.rmSync(temporary);
      markRun(file, header);
    } else {
      fs.renameSync(temporary, file);
    }
  } catch {
    // Read-only installation, full disk, another process at the same moment: a later start tries again.
    if (fd === undefined) return;
    try {
      fs.closeSync(fd);
      fs.rmSync(temporary, { force: true });
    } catch {
      // Nothing of value is left behind.
    }
  }
}

function markRun(file, header) {
  const fd = fs.openSync(file, 'r+');
  try {
    fs.writeSync(fd, header.slice(-1), HEADER_LENGTH - 1, 'latin1');
  } finally {
    fs.closeSync(fd);
  }
}

module.exports = { compile, readWrapped };
