/** Between the log and its worker: arrays of plain values, one string per batch, so that posting costs next to nothing. */
import type { WireError } from '../../protocol/index.ts';
import type { Epoch, LogState, StoredResult } from '../contract.ts';
import type { ResultKey } from './results.ts';

/** What the worker needs at its start. */
export interface WorkerData {
  path: string;
  limits: StoreLimits;
  faultPlan: string | undefined;
}

export interface StoreLimits {
  /** Size of the database file beyond which appends are `storage_full`; 0 = as far as the disk goes. */
  max_bytes: number;
  /** WAL pages (4 KiB) after which a commit also checkpoints. */
  checkpoint_pages: number;
  /** What remains of the WAL file after a checkpoint. */
  journal_bytes: number;
  /** How long another process (a backup, a shell) may hold the database before a write fails. */
  busy_ms: number;
  /** Databases up to this size are checked in full at open; of larger ones what a replay reads. */
  full_check_bytes: number;
}

/** A batch on its way: `record` is its JSON, the rest is what the tables need without parsing it. */
export interface AppendMessage {
  firstVersion: number;
  eventCount: number;
  record: string;
  results: ResultKey[];
  /** Whether the record holds outbox rows or acknowledgements. */
  hasEffects: boolean;
}

export interface Operations {
  open: { input: null; output: LogState };
  append: { input: AppendMessage; output: null };
  epoch: { input: Epoch; output: null };
  /** Records as JSON: each may begin before `from` or end after what was asked for. */
  read: { input: { from: number; maxEvents: number; maxBytes: number }; output: string[] };
  result: { input: string; output: StoredResult | null };
  snapshot: { input: { version: number; state: string }; output: null };
  trim: { input: { version: number; resultsBefore: number }; output: null };
  close: { input: null; output: null };
}

export type Operation = keyof Operations;

export type RequestMessage = { [O in Operation]: [id: number, operation: O, input: Operations[O]['input']] }[Operation];

export type Answer = [id: number, output: unknown] | [id: number, output: null, error: WireError];

/** Answers of one turn travel together. */
export type AnswerMessage = Answer[];
