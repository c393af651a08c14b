import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { bootId, isAlive, processIdentity, signalIdentity } from './identity.ts';
import { linuxTable, parseStat, psTable, systemTable } from './table.ts';

const STAT =
  '42 (a) b (c) Z 1 40 39 34816 40 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 18446744073709551615 1 1 0 0 0';

describe('parseStat', () => {
  it('finds the fields behind a name with parentheses, blanks and line feeds', () => {
    for (const name of ['a) b (c', ') S 1 1 1 (', 'x\ny', '']) {
      const row = parseStat(`42 (${name}) S 7 40 39 34816 40 0 1 2 3 4 5 6 7 8 20 0 3 0 987654 1`);
      expect(row).toEqual({
        pid: 42,
        ppid: 7,
        pgrp: 40,
        session: 39,
        tty: 34816,
        foreground: 40,
        state: 'S',
        start_time: 987654,
        name,
        gone: false,
      });
    }
  });

  it('counts a zombie as gone, but not while it still has threads', () => {
    expect(parseStat(STAT)).toMatchObject({ state: 'Z', gone: true });
    expect(parseStat(STAT.replace(' 20 0 1 0 ', ' 20 0 2 0 '))).toMatchObject({ state: 'Z', gone: false });
  });

  it('refuses what is not a stat line', () => {
    expect(parseStat('')).toBeUndefined();
    expect(parseStat('42 nothing')).toBeUndefined();
  });
});

describe('identity', () => {
  it('knows this process, and nobody with another start time', () => {
    const self = processIdentity(process.pid)!;
    expect(self.pid).toBe(process.pid);
    expect(isAlive(self)).toBe(true);
    expect(isAlive({ ...self, start_time: self.start_time + 1 })).toBe(false);
    expect(processIdentity(2 ** 22 + 1)).toBeUndefined();
  });

  it('signals only the process it was given', async () => {
    const child = spawn('sleep', ['100'], { stdio: 'ignore' });
    const exit = once(child, 'exit');
    const identity = processIdentity(child.pid!)!;
    expect(signalIdentity({ ...identity, start_time: identity.start_time - 1 }, 'SIGKILL')).toBe(false);
    expect(isAlive(identity)).toBe(true);
    expect(signalIdentity(identity, 'SIGUSR1')).toBe(true);
    expect((await exit)[1]).toBe('SIGUSR1');
    expect(isAlive(identity)).toBe(false);
    expect(signalIdentity(identity, 'SIGUSR1')).toBe(false);
  });

  it('names the boot', () => {
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/i);
  });
});

describe.each([
  ['the system table', systemTable],
  ['ps', psTable],
])('%s', (_, table) => {
  it('lists this process with its parent', () => {
    const row = table.list().find((found) => found.pid === process.pid);
    expect(row).toMatchObject({ ppid: process.ppid, gone: false });
    expect(row!.start_time).toBeGreaterThan(0);
    expect(table.read(process.pid)!.start_time).toBe(row!.start_time);
    expect(table.command(row!)).not.toBe('');
  });
});

it('reads the environment a process was started with', async () => {
  const child = spawn('sleep', ['100'], { stdio: 'ignore', env: { MARK: 'one' } });
  const exit = once(child, 'exit');
  expect(linuxTable.environment(child.pid!)).toBe('MARK=one\0');
  child.kill('SIGKILL');
  await exit;
  expect(linuxTable.environment(child.pid!)).toBe('');
});
