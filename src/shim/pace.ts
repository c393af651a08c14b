/**
 * When the child's output is read: not while a lossless reader holds it up, and a flood that nobody watches only part
 * of the time while the machine has more to do than processors, so that watched sessions get it (DESIGN §6 "Flow
 * control"). A build that nobody watches on a machine with room is read as fast as it writes.
 */
import { readFileSync } from 'node:fs';
import type { Clock } from '../runtime/index.ts';
import type { Child } from './contract.ts';

/** An unwatched session may read this much at once before it rests. */
const BURST_BYTES = 256 * 1024;
/** 2.5 MB/s are left to it. Shorter rests leave the processors busy between two keys: 8 ms doubles their p99. */
const REST_MS = 100;
/** This process waited for a processor for this part of the time: others need one. */
const BUSY_SHARE = 0.15;
/** Nanoseconds this process could have run and was not let (/proc/self/schedstat, 2nd field), else unknown. */
const WAITED_FILE = '/proc/self/schedstat';
/** A session that was quiet for this long has its whole burst again. */
const QUIET_MS = 50;

export class Pace {
  readonly #clock: Clock;
  readonly #child: () => Child;
  readonly #isWatched: () => boolean;
  #held = false;
  #resting: (() => void) | null = null;
  #stopped = false;
  #burst = 0;
  #burstAt = 0;
  /** Where the burst began: wall clock and time waited for a processor, in ms. */
  #began: { at: number; waited: number | null } = { at: 0, waited: null };

  constructor(clock: Clock, child: () => Child, isWatched: () => boolean) {
    this.#clock = clock;
    this.#child = child;
    this.#isWatched = isWatched;
  }

  /** A lossless reader is behind. */
  hold(): void {
    this.#held = true;
    this.#child().pauseOutput();
  }

  release(): void {
    this.#held = false;
    this.#resume();
  }

  /** Somebody started to watch. */
  watched(): void {
    if (this.#resting === null) return;
    this.#resting();
    this.#resting = null;
    this.#resume();
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#stopped = true;
    this.#resting?.();
    this.#resting = null;
  }

  output(bytes: number): void {
    if (this.#isWatched()) return;
    const now = this.#clock.monotonic();
    if (now - this.#burstAt > QUIET_MS) this.#begin(now);
    this.#burstAt = now;
    this.#burst += bytes;
    if (this.#burst < BURST_BYTES || this.#resting !== null || this.#stopped) return;
    const { at, waited } = this.#began;
    this.#begin(now);
    if (waited !== null && (this.#began.waited ?? 0) - waited < BUSY_SHARE * (now - at)) return;
    this.#child().pauseOutput();
    this.#resting = this.#clock.after(REST_MS, () => {
      this.#resting = null;
      this.#begin(this.#clock.monotonic());
      this.#resume();
    });
  }

  #begin(now: number): void {
    this.#burst = 0;
    this.#began = { at: now, waited: waitedMs() };
  }

  #resume(): void {
    if (!this.#held && this.#resting === null && !this.#stopped) this.#child().resumeOutput();
  }
}

function waitedMs(): number | null {
  try {
    return Number(readFileSync(WAITED_FILE, 'latin1').split(' ')[1]) / 1e6;
  } catch {
    // Not Linux: every flood counts as being in somebody's way.
    return null;
  }
}
