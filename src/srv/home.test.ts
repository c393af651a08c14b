import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { homePaths } from '../protocol/home/index.ts';
import { homeError, prepareHome } from './home.ts';
import { openJournal } from './journal.ts';
import { systemClock } from '../runtime/index.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hf-h-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const newSecret = () => 'ab'.repeat(16);
const mode = (path: string) => statSync(path).mode & 0o777;

describe('prepareHome', () => {
  it('creates owner-only directories and a secret that stays', () => {
    const home = join(directory, 'h');
    const { paths, secret } = prepareHome(home, { newSecret });
    expect(secret).toBe('ab'.repeat(16));
    for (const path of [home, paths.run, paths.sessionSockets, paths.data, paths.sessions, paths.logs])
      expect(mode(path)).toBe(0o700);
    expect(mode(paths.secret)).toBe(0o600);
    expect(prepareHome(home, { newSecret: () => 'cd'.repeat(16) }).secret).toBe(secret);
  });

  it('takes permissions back that others should not have', () => {
    const { run, secret } = homePaths(directory);
    mkdirSync(run);
    chmodSync(run, 0o777);
    chmodSync(directory, 0o777);
    writeFileSync(secret, `${newSecret()}\n`, { mode: 0o644 });
    prepareHome(directory, { newSecret });
    expect([mode(run), mode(directory), mode(secret)]).toEqual([0o700, 0o755, 0o600]);
  });

  it.each([0x6969, 0xfe534d42, -11317950, 0x01021997])('refuses file system %i as not local', (type) => {
    const home = join(directory, 'deep', 'h');
    const asked: string[] = [];
    const fileSystemType = (path: string) => {
      asked.push(path);
      return type;
    };
    expect(() => prepareHome(home, { newSecret, fileSystemType })).toThrow(
      expect.objectContaining({ code: 'home_not_local', field: 'HOLDFAST_HOME' }),
    );
    expect(asked).toEqual([directory]);
  });

  it('refuses a relative path, and one too long for a socket, naming both numbers', () => {
    expect(() => prepareHome('h', { newSecret })).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    expect(() => prepareHome(join(directory, 'x'.repeat(100)), { newSecret })).toThrow(/needs? \d+ bytes.* 107/);
  });

  it('refuses a home that is a file, and a secret that is none', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(() => prepareHome(join(directory, 'file'), { newSecret })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
    mkdirSync(join(directory, 'run'));
    writeFileSync(join(directory, 'run', 'secret'), '');
    expect(() => prepareHome(directory, { newSecret })).toThrow(expect.objectContaining({ code: 'storage_error' }));
  });

  it.runIf(process.platform === 'linux')('refuses a place nobody can write to', () => {
    expect(() => prepareHome('/sys/hf', { newSecret })).toThrow(
      expect.objectContaining({ code: 'forbidden', field: 'HOLDFAST_HOME' }),
    );
  });

  it.each([
    ['EACCES', 'forbidden'],
    ['EROFS', 'forbidden'],
    ['ENOSPC', 'storage_full'],
    ['EDQUOT', 'storage_full'],
  ])('tells %s as %s', (errno, code) => {
    expect(homeError('/h', Object.assign(new Error(errno), { code: errno }))).toMatchObject({
      code,
      field: 'HOLDFAST_HOME',
    });
  });
});

it('the journal keeps one file and its predecessor', () => {
  const file = join(directory, 'srv.log');
  const journal = openJournal(file, systemClock, 200);
  for (let i = 0; i < 20; i++) journal.write('info', `line ${i}\nsecond half`);
  journal.close();
  expect(statSync(file).size).toBeLessThanOrEqual(200);
  expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(200);
  expect(readFileSync(file, 'utf8')).toMatch(/info line 19\\nsecond half\n$/);
});
