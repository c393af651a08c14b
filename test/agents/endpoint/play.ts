/** One turn, step by step, onto one HTTP response. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../src/runtime/index.ts';
import type { Answer, Entry, Step, Turn, Usage } from './contract.ts';
import type { Script } from './script.ts';

/** `Omit` of a union would keep only what all its members have. */
type OmitTime<E> = E extends Entry ? Omit<E, 'at'> : never;
export type WithoutTime = OmitTime<Entry>;

export interface Performance {
  turn: Turn;
  number: number;
  answer: Answer;
  response: ServerResponse;
  clock: Clock;
  script: Script;
  /** Estimate, for a turn that does not say. */
  inputTokens: number;
  log(entry: WithoutTime): void;
}

/** About as often as a model sends. */
const PIECE_MS = 50;
const CHARACTERS_PER_TOKEN = 4;

/** Resolves when the response has ended, whichever way. */
export async function play(performance: Performance): Promise<void> {
  const { turn, number, answer, response, log } = performance;
  const [first] = turn;
  if (first?.do === 'error') {
    const { status, headers, body } = answer.error(first.kind, first.retry_after_s);
    log({ what: 'step', turn: number, step: first });
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
    log({ what: 'failed', turn: number, kind: first.kind });
    return;
  }
  const left = new AbortController();
  response.once('close', () => left.abort());
  const usage = usageOf(performance);
  response.writeHead(200, { 'content-type': answer.contentType, 'cache-control': 'no-cache' });
  response.flushHeaders();
  send(response, answer.start({ ...usage, output_tokens: 0 }));
  for (const [index, step] of turn.entries()) {
    if (step.do === 'usage') continue;
    log({ what: 'step', turn: number, step });
    if (await perform(step, index, performance, left.signal)) return;
    if (left.signal.aborted) {
      log({ what: 'aborted', turn: number });
      return;
    }
  }
  response.end(answer.end(usage));
  log({ what: 'answered', turn: number, usage });
}

/** True when the step was the last the agent sees of this answer. */
async function perform(step: Step, index: number, performance: Performance, left: AbortSignal): Promise<boolean> {
  const { number, answer, response, clock, script, log } = performance;
  switch (step.do) {
    case 'text':
    case 'think':
      await stream(step.text, step.over_ms ?? 0, clock, left, (piece) => send(response, answer[step.do](piece)));
      return false;
    case 'tool':
      // Unique also in a conversation that is resumed against another endpoint.
      send(response, answer.tool(`${clock.now().toString(36)}_${number}_${index}`, step.name, step.input));
      return false;
    case 'wait':
      await until(left, (go) => clock.after(step.ms, go));
      return false;
    case 'hold':
      await until(left, (go) => script.hold(step.gate, go));
      return false;
    case 'break':
      response.destroy();
      log({ what: 'failed', turn: number, kind: 'break' });
      return true;
    case 'garbage':
      response.end(step.bytes);
      log({ what: 'failed', turn: number, kind: 'garbage' });
      return true;
    case 'usage':
    case 'error':
      return false;
  }
}

/** The text in pieces, the last of them when the time is over. */
async function stream(
  text: string,
  overMs: number,
  clock: Clock,
  left: AbortSignal,
  piece: (text: string) => void,
): Promise<void> {
  const words = text.match(/\s*\S+|\s+$/gu) ?? [];
  const count = Math.max(1, Math.min(words.length, Math.floor(overMs / PIECE_MS)));
  const start = clock.monotonic();
  for (let sent = 0; sent < count; sent++) {
    // After, not before: the agent is silent until the first piece, as it is with a model.
    const due = start + (overMs * (sent + 1)) / count - clock.monotonic();
    if (due > 0) await until(left, (go) => clock.after(due, go));
    if (left.aborted) return;
    const from = Math.round((words.length * sent) / count);
    piece(words.slice(from, Math.round((words.length * (sent + 1)) / count)).join(''));
  }
}

/** Waits for `go`, or for the agent to leave; no answer is owed to one that has left. */
async function until(left: AbortSignal, begin: (go: () => void) => () => void): Promise<void> {
  if (left.aborted) return;
  await new Promise<void>((resolve) => {
    let cancel = (): void => {};
    const leave = (): void => {
      cancel();
      resolve();
    };
    left.addEventListener('abort', leave, { once: true });
    cancel = begin(() => {
      left.removeEventListener('abort', leave);
      resolve();
    });
  });
}

function usageOf({ turn, inputTokens }: Performance): Usage {
  const said = turn.find((step) => step.do === 'usage');
  if (said !== undefined) return said.usage;
  const length = turn.reduce((sum, step) => {
    if (step.do === 'text' || step.do === 'think') return sum + step.text.length;
    return step.do === 'tool' ? sum + JSON.stringify(step.input).length : sum;
  }, 0);
  return {
    input_tokens: inputTokens,
    cached_input_tokens: 0,
    output_tokens: Math.ceil(length / CHARACTERS_PER_TOKEN),
  };
}

function send(response: ServerResponse, bytes: string): void {
  if (bytes !== '' && !response.destroyed) response.write(bytes);
}
