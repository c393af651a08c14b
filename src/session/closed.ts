/** The log a shim left behind: read, judged and sealed by srv. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../protocol/errors.ts';
import type { EndCause, ExitFact, HolderFact, StreamExtent, StreamId } from '../protocol/session/index.ts';
import { UNKNOWN_END } from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';
import type { LogSource } from './contract.ts';
import {
  decodeMark,
  encodeMark,
  type Mark,
  RECORD_DATA,
  RECORD_HEAD_BYTES,
  recordBytes,
  recordMs,
  recordOffset,
  recordStream,
  recordType,
} from './record.ts';
import { listSegments, readRecords, readSegmentHeader, type Segment, type SegmentHeader } from './segment.ts';
import { SpillWriter } from './spill.ts';
import { LogView } from './view.ts';

export interface ClosedLogOptions {
  /** `sessions/<id>/log`; may be missing. */
  directory: string;
  /** Output streams by the manifest; the log's own word goes before. */
  streams: readonly StreamId[];
  /** Why there is no end record, if there is none. Default `shim_lost`. */
  lost?: EndCause;
  survivors?: HolderFact[];
}

/** What a log says about how its session went. */
export interface ClosedFacts {
  streams: StreamExtent[];
  exit: ExitFact | null;
  /** Null when the log has no end record. */
  end: { cause: EndCause; survivors: HolderFact[] } | null;
  size: { rows: number; cols: number } | null;
  eofs: StreamId[];
  /** When the last record was written, ms since the epoch; null when there is none. */
  last_ms: number | null;
}

const SCAN_BYTES = 1024 * 1024;

interface Loaded {
  view: LogView;
  lastMs: number | null;
}

/**
 * A log nobody writes any more. A torn tail is left out. Without an end record its readers get, for every stream that
 * is still open, a last gap of unknown size, and an end with cause `lost`.
 */
export function openClosedLog(options: ClosedLogOptions): LogSource {
  const { view } = load(options.directory, options.streams);
  for (const mark of missingEnd(view, options.lost ?? 'shim_lost', options.survivors ?? [], 0)) addMark(view, mark);
  return view;
}

export function readClosedFacts(options: Pick<ClosedLogOptions, 'directory' | 'streams'>): ClosedFacts {
  return facts(load(options.directory, options.streams));
}

/**
 * Cuts a torn tail and writes the records that are missing, synced; a sealed log stays as it is. Only for the owner of
 * a dead session's log. Throws `storage_full` or `storage_error`.
 */
export function sealLog(options: ClosedLogOptions & { clock: Clock }): ClosedFacts {
  const loaded = load(options.directory, options.streams);
  const { view } = loaded;
  const marks = missingEnd(view, options.lost ?? 'shim_lost', options.survivors ?? [], options.clock.now());
  if (marks.length === 0) return facts(loaded);
  const segment = view.segments.at(-1);
  try {
    if (segment === undefined) writeOnlyMarks(options, view, marks);
    else appendMarks(segment, marks);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw HoldfastError.from(error, code === 'ENOSPC' || code === 'EDQUOT' ? 'storage_full' : 'storage_error');
  }
  for (const mark of marks) addMark(view, mark);
  return { ...facts(loaded), last_ms: marks.at(-1)!.ms };
}

function missingEnd(view: LogView, cause: EndCause, survivors: HolderFact[], ms: number): Mark[] {
  if (view.ended) return [];
  const eofs = openEofs(view);
  const marks: Mark[] = [];
  // A session that ended in order kept no more than this.
  const reason = cause === 'child' || cause === 'terminated' ? 'retention' : 'shim_lost';
  let seq = view.nextSeq;
  for (const stream of view.streams) {
    if (eofs.includes(stream)) continue;
    marks.push({
      type: 'gap',
      seq: seq++,
      ms,
      stream,
      from: view.window(stream).end,
      to: UNKNOWN_END,
      reason,
    });
  }
  marks.push({ type: 'end', seq, ms, cause, survivors });
  return marks;
}

function addMark(view: LogView, mark: Mark): void {
  view.addMark(mark);
  view.nextSeq = mark.seq + 1;
}

function openEofs(view: LogView): StreamId[] {
  return view.marks.flatMap((mark) => (mark.type === 'eof' ? [mark.stream] : []));
}

function facts({ view, lastMs }: Loaded): ClosedFacts {
  const closed: ClosedFacts = {
    streams: view.extents(),
    exit: null,
    end: null,
    size: null,
    eofs: openEofs(view),
    last_ms: lastMs,
  };
  for (const mark of view.marks) {
    if (mark.type === 'child_exit') closed.exit = mark.exit;
    if (mark.type === 'end') closed.end = { cause: mark.cause, survivors: mark.survivors };
    if (mark.type === 'resize') closed.size = { rows: mark.rows, cols: mark.cols };
  }
  return closed;
}

function load(directory: string, fallback: readonly StreamId[]): Loaded {
  const found = listSegments(directory).flatMap((name) => readHead(join(directory, name), Number.parseInt(name, 10)));
  const newest = found.at(-1);
  if (newest === undefined) return { view: new LogView(fallback, 0), lastMs: null };
  for (const [at, { segment }] of found.entries()) {
    const next = found[at + 1]?.header;
    if (next === undefined) break;
    segment.last = (next.lost?.seq ?? next.first) - 1;
    segment.end = [...(next.lost?.offsets ?? next.offsets)];
  }
  const tail = scanTail(newest.segment);
  const view = new LogView(newest.header.streams as StreamId[], 0, newest.segment.end);
  view.segments.push(...found.map(({ segment }) => segment));
  for (const mark of [...newest.header.marks, ...tail.marks]) view.addMark(mark);
  view.nextSeq = newest.segment.last + 1;
  return { view, lastMs: tail.lastMs ?? newest.header.marks.at(-1)?.ms ?? null };
}

/** Empty when the file's header was never finished, or the file is gone: then what it should hold is a gap. */
function readHead(path: string, first: number): { segment: Segment; header: SegmentHeader }[] {
  let fd: number;
  try {
    fd = fs.openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw HoldfastError.from(error, 'storage_error');
  }
  try {
    const head = readSegmentHeader(fd, first);
    if (head === undefined) return [];
    const { header, recordsAt } = head;
    const { offsets, lost } = header;
    const size = fs.fstatSync(fd).size;
    return [
      {
        header,
        segment: { path, first, last: first - 1, start: offsets, end: [...offsets], recordsAt, size, lost, index: [] },
      },
    ];
  } finally {
    fs.closeSync(fd);
  }
}

/** Finds the last good record of the newest segment and cuts `segment` there. */
function scanTail(segment: Segment): { marks: Mark[]; lastMs: number | null } {
  const marks: Mark[] = [];
  let lastMs: number | null = null;
  let at = segment.recordsAt;
  const fd = fs.openSync(segment.path, 'r');
  try {
    for (;;) {
      const run = readRecords(fd, segment, at, segment.last + 1, SCAN_BYTES);
      for (let within = 0; within < run.length; ) {
        const bytes = recordBytes(run.chunk, within);
        lastMs = recordMs(run.chunk, within);
        const mark = scanRecord(segment, run.chunk, within, bytes);
        if (mark !== undefined) marks.push(mark);
        segment.last++;
        within += bytes;
      }
      at += run.length;
      if (run.damaged || run.length === 0) break;
    }
  } finally {
    fs.closeSync(fd);
  }
  segment.size = at;
  return { marks, lastMs };
}

function scanRecord(segment: Segment, chunk: Buffer, at: number, bytes: number): Mark | undefined {
  if (recordType(chunk, at) !== RECORD_DATA) return decodeMark(chunk, at, bytes);
  segment.end[recordStream(chunk, at)] = recordOffset(chunk, at) + bytes - RECORD_HEAD_BYTES;
  return undefined;
}

function appendMarks(segment: Segment, marks: Mark[]): void {
  const fd = fs.openSync(segment.path, 'r+');
  try {
    fs.ftruncateSync(fd, segment.size);
    const records = Buffer.concat(marks.map(encodeMark));
    for (let written = 0; written < records.length; ) {
      written += fs.writeSync(fd, records, written, records.length - written, segment.size + written);
    }
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Nothing was ever spilled: the log becomes one segment that says how it ended. */
function writeOnlyMarks(options: ClosedLogOptions, view: LogView, marks: Mark[]): void {
  let failure: HoldfastError | undefined;
  const writer = new SpillWriter({
    directory: options.directory,
    segmentBytes: SCAN_BYTES,
    spillBytes: 2 * SCAN_BYTES,
    segments: [],
    streams: view.streams,
    marks: () => [],
    failed: (error) => {
      failure = error;
    },
  });
  for (const mark of marks) writer.writeMark(mark, [0, 0, 0]);
  writer.close();
  if (failure !== undefined) throw failure;
}
