/**
 * The server, the script and the log of the scripted model endpoint. What the bytes look like is the dialects' matter.
 *
 *   const endpoint = await createModelEndpoint({ dialects: [anthropic] });
 *   endpoint.script([{ do: 'text', text: 'Four.', over_ms: 3_000 }]);
 *   … the agent runs with its base URL at endpoint.url …
 *   await endpoint.entry((entry) => entry.what === 'answered', 10_000);
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../../src/runtime/index.ts';
import type { Dialect, Entry, ModelEndpoint, Turn } from './contract.ts';
import { play, type WithoutTime } from './play.ts';
import { Script } from './script.ts';

export type * from './contract.ts';

export interface ModelEndpointOptions {
  /** Asked in this order; the first that answers a path has it. */
  dialects: readonly Dialect[];
  clock?: Clock;
  /** The answer to a main request when no turn is left. */
  fallback?: Turn;
}

const BODY_LIMIT_BYTES = 64 * 1_024 * 1_024;
const ENTRY_LIMIT = 100_000;
const NOTHING_SCRIPTED: Turn = [{ do: 'text', text: 'Nothing is scripted for this request.' }];

/** Listens on a free port of 127.0.0.1. */
export async function createModelEndpoint(options: ModelEndpointOptions): Promise<ModelEndpoint> {
  const { dialects, clock = systemClock, fallback = NOTHING_SCRIPTED } = options;
  const log = new Log(clock);
  const script = new Script(fallback);
  const server = createServer((request, response) => {
    serve({ request, response, dialects, clock, log, script }).catch((error: unknown) => {
      // A fault of the endpoint itself must not look like a model's answer.
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  // A CLI keeps its connections; ours to close is only the end of the test.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    entries: log.entries,
    script: (...turns) => script.add(turns),
    forget: () => script.forget(),
    release: (gate) => script.release(gate),
    entry: (fits, deadlineMs, from = 0) => log.find(fits, deadlineMs, from),
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

/** What happened, and who waits for what. */
class Log {
  readonly entries: Entry[] = [];
  readonly #clock: Clock;
  readonly #waiting = new Set<() => boolean>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(entry: WithoutTime): void {
    if (this.entries.length >= ENTRY_LIMIT) throw new Error(`more than ${ENTRY_LIMIT} entries: some CLI runs wild`);
    this.entries.push({ at: this.#clock.now(), ...entry });
    for (const settled of this.#waiting) if (settled()) this.#waiting.delete(settled);
  }

  async find(fits: (entry: Entry) => boolean, deadlineMs: number, from: number): Promise<Entry> {
    return await new Promise<Entry>((resolve, reject) => {
      let next = from;
      let cancel = (): void => {};
      const settled = (): boolean => {
        for (; next < this.entries.length; next++) {
          const entry = this.entries[next]!;
          if (!fits(entry)) continue;
          cancel();
          resolve(entry);
          return true;
        }
        return false;
      };
      if (settled()) return;
      this.#waiting.add(settled);
      cancel = this.#clock.after(deadlineMs, () => {
        this.#waiting.delete(settled);
        const seen = this.entries.slice(from).map((entry) => JSON.stringify(entry).slice(0, 200));
        reject(new Error(`no such entry within ${deadlineMs} ms; the log has:\n${seen.join('\n')}`));
      });
    });
  }
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  dialects: readonly Dialect[];
  clock: Clock;
  log: Log;
  script: Script;
}

async function serve({ request, response, dialects, clock, log, script }: Exchange): Promise<void> {
  const method = request.method ?? '';
  const path = request.url ?? '';
  const body = parse(await readAll(request));
  const dialect = dialects.find((one) => one.answers(method, path));
  if (dialect === undefined || body === undefined) {
    for (const other of dialects) {
      const reply = other.other(method, path, body);
      if (reply === null) continue;
      log.add({ what: 'side_request', path, prompt: '' });
      sendJson(response, reply.status, reply.json);
      return;
    }
    log.add({ what: 'unknown', method, path });
    sendJson(response, 404, { error: { type: 'not_found_error', message: `${method} ${path} is not scripted` } });
    return;
  }
  const asked = dialect.read(path, body);
  const answer = dialect.open({ path, body, model: asked.model });
  const text = JSON.stringify(body);
  const inputTokens = Math.ceil(text.length / 4);
  if (asked.side) {
    log.add({ what: 'side_request', path, prompt: asked.prompt });
    const turn: Turn = [{ do: 'text', text: asked.sideText ?? 'ok' }];
    await play({ turn, number: -1, answer, response, clock, script, inputTokens, log: () => {} });
    return;
  }
  const { turn, number } = script.next();
  log.add({ what: 'request', turn: number, prompt: asked.prompt, model: asked.model, body: text });
  await play({ turn, number, answer, response, clock, script, inputTokens, log: (entry) => log.add(entry) });
}

/** `null` for an empty body, `undefined` for one that is not JSON. */
function parse(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not for a dialect: logged as unknown, with its path.
    return undefined;
  }
}

async function readAll(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > BODY_LIMIT_BYTES) throw new Error(`a request of more than ${BODY_LIMIT_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function sendJson(response: ServerResponse, status: number, json: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(json));
}
