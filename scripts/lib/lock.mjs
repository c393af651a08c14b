// One installation or build at a time per working tree, also between processes that know nothing of each other.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRoot, say } from './project.mjs';

const LOCK = inRoot('.build.lock');
/** Held for the few milliseconds in which a dead holder's lock is removed, so that two finders remove it once. */
const REMOVAL = inRoot('.build.lock.removal');
const POLL_MS = 50;
const QUIET_MS = 1_000;
const DEADLINE_MS = 10 * 60_000;
/** How long a lock without a name on it may be: its maker writes the name next. */
const NAMELESS_MS = 10_000;

/** Runs `work` while no other process of this working tree runs its own. */
export async function withLock(work) {
  await acquire();
  const release = () => rmSync(LOCK, { recursive: true, force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

async function acquire() {
  const started = Date.now();
  let told = false;
  while (!tryAcquire()) {
    const waited = Date.now() - started;
    const holder = readHolder();
    if (waited > DEADLINE_MS) {
      throw new Error(`process ${holder?.pid ?? '?'} has held ${LOCK} for ${Math.round(waited / 60_000)} minutes`);
    }
    if (!told && waited > QUIET_MS) {
      told = true;
      say(`waiting for process ${holder?.pid ?? '?'}, which installs or builds …`);
    }
    removeIfAbandoned();
    await sleep(POLL_MS);
  }
}

function tryAcquire() {
  if (!makeDirectory(LOCK)) return false;
  // Written beside and renamed: a reader sees a whole name or none.
  const draft = `${LOCK}/holder.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }));
  renameSync(draft, `${LOCK}/holder`);
  return true;
}

function removeIfAbandoned() {
  if (!isAbandoned()) return;
  if (!makeDirectory(REMOVAL)) {
    if (ageOf(REMOVAL) > NAMELESS_MS) rmSync(REMOVAL, { recursive: true, force: true });
    return;
  }
  try {
    // Looked at again: the one found first may have been replaced by a live one.
    if (isAbandoned()) rmSync(LOCK, { recursive: true, force: true });
  } finally {
    rmSync(REMOVAL, { recursive: true, force: true });
  }
}

function isAbandoned() {
  const holder = readHolder();
  if (holder === undefined) return ageOf(LOCK) > NAMELESS_MS;
  const started = startOf(holder.pid);
  return started === undefined || (holder.started !== undefined && started !== holder.started);
}

function readHolder() {
  try {
    return JSON.parse(readFileSync(`${LOCK}/holder`, 'utf8'));
  } catch {
    return undefined; // Released meanwhile, or not named yet.
  }
}

/** What tells a process from a later one with its number; undefined when there is none. */
function startOf(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return 'unknown'; // No /proc here: the number alone must do.
  }
}

function makeDirectory(path) {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function ageOf(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0; // Gone.
  }
}
