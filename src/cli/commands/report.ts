/**
 * `holdfast report EVENT`: what an agent's hooks call. An agent waits for its hooks and shows what they print, so this
 * says nothing, fails at nothing and takes no longer than two seconds; a report that nobody takes now waits in the
 * session's directory (`sessions/<id>/reports/`), where the shim finds it.
 */
import { lstat, mkdir, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentReport } from '../../protocol/agent/index.ts';
import { homePaths, resolveHome, sessionDirectory, sessionSocket } from '../../protocol/home/index.ts';
import { limits } from '../../protocol/index.ts';
import { encodeJson, FrameDecoder, SESSION_PROTOCOL, type SessionCommand } from '../../protocol/session/index.ts';
import { createIds, isUlid, systemClock, withDeadline } from '../../runtime/index.ts';
import { openUnix } from '../../transport/index.ts';
import type { CommandContext } from '../command.ts';
import { shrunk } from '../report-payload.ts';

/** All of it, the start of the process not counted. */
const WHOLE_MS = 1_800;
const INPUT_MS = 1_000;
const SOCKET_MS = 300;
/** Reports that may wait for the shim. */
const QUEUED_COUNT = 1_000;
const QUEUED = /^[0-7][0-9A-HJKMNP-TV-Z]{25}\.json$/;
/** A payload that is larger is not read to its end, and so is none. */
const INPUT_BYTES = 16 * limits.REPORT_BYTES;

export function run({ positionals, env }: CommandContext): Promise<number> {
  return report(positionals, env);
}

/** Resolves with 0, whatever happens. */
export async function report(words: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const late = (): Error => new Error('late');
  await withDeadline(systemClock, WHOLE_MS, deliver(words, env), late).catch(() => {
    // An agent is not to suffer from what became of a report about it.
  });
  return 0;
}

async function deliver([name, payload]: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const session = env['HOLDFAST_SESSION'];
  const token = env['HOLDFAST_TOKEN'];
  if (!name || !token || !isUlid(session)) return;
  const at = Date.now();
  const text = payload ?? (await input());
  const told = { name, payload: shrunk(text, limits.REPORT_BYTES), at, report_id: createIds(systemClock).ulid() };
  const paths = homePaths(resolveHome(undefined, env));
  try {
    await tell(sessionSocket(paths, session), session, token, told);
  } catch {
    await queue(sessionDirectory(paths, session), told);
  }
}

/** Standard input to its end, or what there is of it in time: a hook that hands nothing over may leave it open. */
async function input(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const read = async (): Promise<void> => {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > INPUT_BYTES) return;
    }
  };
  if (process.stdin.isTTY) return '';
  await withDeadline(systemClock, INPUT_MS, read(), () => new Error('late')).catch(() => {
    // What came until then is used.
  });
  return Buffer.concat(chunks).toString('utf8');
}

/** To the shim; resolves when it has it, or says that it will never want it. */
function tell(path: string, session_id: string, token: string, told: AgentReport): Promise<void> {
  const socket = openUnix(path);
  const hello: SessionCommand = {
    cmd: 'Hello',
    protocol: [...SESSION_PROTOCOL],
    client_id: told.report_id,
    token,
    role: 'agent',
    session_id,
  };
  const answered = new Promise<void>((resolve, reject) => {
    const decoder = new FrameDecoder((frame) => {
      if (frame.kind !== 'json') return;
      const { id, event, retryable } = JSON.parse(frame.json.toString('utf8')) as Record<string, unknown>;
      if (event === 'Error' && retryable === true) reject(new Error('later'));
      else if (event === 'Error' || id === ID) resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed')));
    socket.on('data', (chunk: Buffer) => {
      try {
        decoder.push(chunk);
      } catch (error) {
        reject(error);
      }
    });
    socket.write(Buffer.concat([encodeJson(hello), encodeJson({ cmd: 'Report', report: told, id: ID })]));
  });
  return withDeadline(systemClock, SOCKET_MS, answered, () => new Error('late')).finally(() => socket.destroy());
}

const ID = 1;

/** Whole under its name or not at all; over the bound the oldest goes. */
async function queue(directory: string, told: AgentReport): Promise<void> {
  const reports = join(directory, 'reports');
  // Fails where the session's directory is gone: then nobody will ever look.
  await mkdir(reports, { mode: 0o700 }).catch(() => undefined);
  // Through a link this would write, and take away, somewhere else.
  if (!(await lstat(reports)).isDirectory()) return;
  const waiting = (await readdir(reports)).filter((name) => QUEUED.test(name)).sort();
  const over = waiting.slice(0, Math.max(0, waiting.length + 1 - QUEUED_COUNT));
  for (const name of over) await unlink(join(reports, name)).catch(() => undefined);
  const temporary = join(reports, `.${told.report_id}`);
  await writeFile(temporary, JSON.stringify(told), { mode: 0o600, flag: 'wx' });
  await rename(temporary, join(reports, `${told.report_id}.json`));
}
