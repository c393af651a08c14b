/**
 * One report of the Program Status Protocol (OSC 7501, revision 0.4): `key=value` pairs between colons. A pair without
 * `=`, with a key that is not lowercase letters, or with an unknown key is skipped; of a repeated key the last counts. A
 * size over its limit, a text that is not base64 of UTF-8 or holds controls, a missing or unknown state and an unusable
 * id make the whole report void; an unusable `kind`, `app` or `progress` counts as not given.
 */
import { oneLine } from './text.ts';

export type ProgramState = 'idle' | 'working' | 'done' | 'blocked' | 'error' | 'clear';

export interface ProgramReport {
  /** Path of segments; empty for the program itself. */
  id: string;
  state: ProgramState;
  kind: 'permission' | 'question' | 'auth' | null;
  app: string;
  progress: number | null;
  title: string;
  message: string;
}

const KEY_BYTES = 16;
const ID_BYTES = 128;
const ID_DEPTH = 8;
const APP_BYTES = 32;
const TITLE_BYTES = 192;
const MESSAGE_BYTES = 2048;

const STATES: ReadonlySet<string> = new Set(['idle', 'working', 'done', 'blocked', 'error', 'clear']);
const KINDS: ReadonlySet<string> = new Set(['permission', 'question', 'auth']);
const SEGMENT = /^[A-Za-z0-9_.+-]{1,32}$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** The report, or what is wrong with it. */
export function parseProgramReport(text: string): ProgramReport | string {
  const pairs = pairsOf(text);
  if (pairs === null) return `a key is longer than ${KEY_BYTES} bytes`;
  const id = pairs.get('id') ?? '';
  if (pairs.has('id') && !isId(id)) return 'id is no path of 1 to 8 segments of letters, digits and _ . + -';
  const app = pairs.get('app') ?? '';
  if (bytesOf(app) > APP_BYTES) return `app is longer than ${APP_BYTES} bytes`;
  const title = decoded(pairs.get('title') ?? '', TITLE_BYTES);
  if (title === null) return `title is not base64 of at most ${TITLE_BYTES} bytes of text without controls`;
  const message = decoded(pairs.get('msg') ?? '', MESSAGE_BYTES);
  if (message === null) return `msg is not base64 of at most ${MESSAGE_BYTES} bytes of text without controls`;
  const state = pairs.get('state');
  if (state === undefined || !STATES.has(state)) return 'state is missing or unknown';
  return {
    id,
    state: state as ProgramState,
    kind: kindOf(state, pairs.get('kind')),
    app: SEGMENT.test(app) ? app : '',
    progress: progressOf(state, pairs.get('progress')),
    title,
    message,
  };
}

/** Null when a key is too long. */
function pairsOf(text: string): Map<string, string> | null {
  const pairs = new Map<string, string>();
  for (const pair of text.split(':')) {
    const separator = pair.indexOf('=');
    if (separator < 0) continue;
    const key = pair.slice(0, separator).trim();
    if (bytesOf(key) > KEY_BYTES) return null;
    if (/^[a-z]+$/.test(key)) pairs.set(key, pair.slice(separator + 1).trim());
  }
  return pairs;
}

function isId(id: string): boolean {
  const segments = id.split('/');
  return id.length <= ID_BYTES && segments.length <= ID_DEPTH && segments.every((segment) => SEGMENT.test(segment));
}

function kindOf(state: string, kind: string | undefined): ProgramReport['kind'] {
  return state === 'blocked' && kind !== undefined && KINDS.has(kind) ? (kind as ProgramReport['kind']) : null;
}

function progressOf(state: string, progress: string | undefined): number | null {
  if (state !== 'working' && state !== 'blocked') return null;
  return progress !== undefined && /^\d{1,3}$/.test(progress) && Number(progress) <= 100 ? Number(progress) : null;
}

function decoded(encoded: string, maximum: number): string | null {
  const padded = Math.ceil(maximum / 3) * 4;
  const data = encoded.replace(/=+$/, '');
  const isWhole = encoded.length === data.length || encoded.length % 4 === 0;
  if (!BASE64.test(encoded) || encoded.length > padded || data.length % 4 === 1 || !isWhole) return null;
  const binary = atob(data);
  if (binary.length > maximum) return null;
  const bytes = Uint8Array.from(binary, (unit) => unit.charCodeAt(0));
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return CONTROL.test(text) ? null : oneLine(text, text.length);
  } catch {
    // Not UTF-8: the report is void, as the caller says.
    return null;
  }
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
