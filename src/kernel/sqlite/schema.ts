/** The tables. `batches` is the truth; `results` and `outbox` are projections of it, kept because it is trimmed. */
import type Database from 'libsql';
import { corrupt } from './errors.ts';

/** `PRAGMA application_id`: "HFLG". */
const APPLICATION_ID = 0x48464c47;
const FORMAT = 2;

const TABLES = `
  CREATE TABLE batches (
    seq INTEGER PRIMARY KEY,
    first_version INTEGER NOT NULL,
    event_count INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    record TEXT NOT NULL
  );
  CREATE TABLE epochs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, first_version INTEGER NOT NULL, at INTEGER NOT NULL);
  CREATE TABLE snapshots (version INTEGER PRIMARY KEY, crc INTEGER NOT NULL, state TEXT NOT NULL);
  -- An empty record: batch seq holds it.
  CREATE TABLE results (key TEXT PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL, seq INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
  CREATE TABLE outbox (id INTEGER PRIMARY KEY, record TEXT NOT NULL);
  -- One row: counters that must survive the rows they count.
  CREATE TABLE counters (only INTEGER PRIMARY KEY CHECK (only = 1), next_outbox_id INTEGER NOT NULL, first_version INTEGER NOT NULL,
    projected_seq INTEGER NOT NULL DEFAULT 0);
  INSERT INTO counters VALUES (1, 1, 1, 0);
`;

/** From format 1, where each result had its own copy and batches an index. */
const FROM_1 = `
  ALTER TABLE results ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE counters ADD COLUMN projected_seq INTEGER NOT NULL DEFAULT 0;
  UPDATE counters SET projected_seq = (SELECT ifnull(max(seq), 0) FROM batches);
  DROP INDEX batches_by_version;
`;

export function isEmpty(db: Database.Database): boolean {
  return count(db, 'SELECT count(*) AS n FROM sqlite_schema') === 0;
}

export function createTables(db: Database.Database): void {
  db.exec(
    `BEGIN IMMEDIATE; ${TABLES} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}; COMMIT`,
  );
}

/** Throws for a database of another program or a newer format. */
export function checkFormat(db: Database.Database): void {
  const application = count(db, 'SELECT application_id AS n FROM pragma_application_id');
  const format = formatOf(db);
  if (application !== APPLICATION_ID) throw corrupt('not an event log', { application_id: application });
  if (format !== FORMAT && format !== 1) throw corrupt(`format ${format}, this version knows ${FORMAT}`, { format });
}

/** Brings a checked database of an older format up to this one. */
export function upgrade(db: Database.Database): void {
  if (formatOf(db) === 1) db.exec(`BEGIN IMMEDIATE; ${FROM_1} PRAGMA user_version = ${FORMAT}; COMMIT`);
}

function formatOf(db: Database.Database): number {
  return count(db, 'SELECT user_version AS n FROM pragma_user_version');
}

export function count(db: Database.Database, sql: string): number {
  const row = db.prepare(sql).get() as { n: number } | undefined;
  return row?.n ?? 0;
}
