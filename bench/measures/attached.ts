/** What reaches an attached terminal: 100 MB of lines, and one keystroke's echo, alone and beside a flood. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer, Shown } from '../peers.ts';
import { interleave, quantile, type Row, rows } from '../report.ts';

const LINES = 1_250_000;
const LINE = `${'x'.repeat(79)}\n`;
const KEYSTROKES = 400;
const WARM_UP = 50;
const FLOODS = 4;

/** MB/s of the child's bytes, from the newline that starts `cat` to its last word on the terminal. */
export async function attachedThroughput(peers: readonly Peer[], directory: string, rounds: number): Promise<Row[]> {
  const file = join(directory, 'lines');
  writeFileSync(file, LINE.repeat(LINES));
  const script = `stty -echo; printf 'GO''NOW'; read x; cat ${file}; printf 'EN''DED'; read y`;
  const contenders = peers.map((peer) => ({
    name: peer.name,
    async run() {
      const shown = await peer.show(script);
      await shown.terminal.see('GONOW');
      const ended = shown.terminal.see('ENDED', 120_000);
      const start = performance.now();
      shown.terminal.write('\n');
      await ended;
      const seconds = (performance.now() - start) / 1000;
      await shown.close();
      return (LINE.length * LINES) / 1e6 / seconds;
    },
  }));
  return rows('cat of 100 MB to an attached terminal', 'MB/s', await interleave(contenders, rounds), [
    'bare PTY',
    'dtach',
    'tmux',
  ]);
}

/** ms from writing a key to seeing its echo from a child in raw mode. */
export async function keystrokeEcho(peers: readonly Peer[], rounds: number, flooded: boolean): Promise<Row[]> {
  const p50 = new Map<string, number[]>(peers.map((peer) => [peer.name, []]));
  const p99 = new Map<string, number[]>(peers.map((peer) => [peer.name, []]));
  const contenders = peers.map((peer) => ({
    name: peer.name,
    async run() {
      const endFlood = flooded ? await peer.flood('exec yes', FLOODS) : async () => {};
      const shown = await peer.show("stty raw -echo; printf 'GO''NOW'; exec cat");
      await shown.terminal.see('GONOW');
      const times = await echoTimes(shown, KEYSTROKES + WARM_UP);
      await shown.close();
      await endFlood();
      p50.get(peer.name)?.push(quantile(times.slice(WARM_UP), 0.5));
      p99.get(peer.name)?.push(quantile(times.slice(WARM_UP), 0.99));
      return quantile(times.slice(WARM_UP), 0.5);
    },
  }));
  await interleave(contenders, rounds);
  const beside = flooded ? ` beside ${FLOODS} unwatched floods` : '';
  const bases = ['bare PTY', 'dtach', 'tmux'];
  return [
    ...rows(`keystroke echo${beside}, p50`, 'ms', p50, bases),
    ...rows(`keystroke echo${beside}, p99`, 'ms', p99, bases),
  ];
}

/** One key at a time; a key is echoed when its letter, which no redraw contains, has come by. */
function echoTimes({ terminal }: Shown, count: number): Promise<number[]> {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const times: number[] = [];
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`echo ${times.length} of ${count} did not come`)), 60_000);
    let sentAt = 0;
    let expected = 0;
    const send = (): void => {
      const letter = letters[times.length % letters.length] ?? 'a';
      expected = letter.charCodeAt(0);
      sentAt = performance.now();
      terminal.write(letter);
    };
    terminal.onBytes((bytes) => {
      if (!bytes.includes(expected)) return;
      times.push(performance.now() - sentAt);
      if (times.length < count) {
        // A person's keys are apart: let the contender go idle again.
        setTimeout(send, 2);
        return;
      }
      clearTimeout(timer);
      terminal.onBytes(undefined);
      resolve(times);
    });
    send();
  });
}
