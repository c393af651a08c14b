import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { subsetOfLock } from '../../scripts/lib/lock-subset.mjs';

const read = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as Record<string, unknown>;

const entry = (dependencies: Record<string, string> = {}): object => ({ version: '1.0.0', dependencies });

test('a subset has what its packages need, each from where Node would find it', () => {
  const manifest = { name: 'x', dependencies: { a: '1.0.0', b: '1.0.0' } };
  const lock = {
    lockfileVersion: 3,
    packages: {
      '': { name: 'x', dependencies: { a: '1.0.0', b: '1.0.0' } },
      'node_modules/a': entry({ c: '*', '@s/d': '*', absent: '*' }),
      'node_modules/a/node_modules/c': entry({ '@s/d': '*', e: '*' }),
      'node_modules/a/node_modules/e': entry(),
      'node_modules/@s/d': entry({ c: '*' }),
      'node_modules/c': entry(),
      'node_modules/e': entry(),
      'node_modules/b': entry(),
    },
  };
  const subset = subsetOfLock(manifest, lock, ['a']);
  expect(subset.manifest).toEqual({ name: 'x', dependencies: { a: '1.0.0' } });
  expect(Object.keys(subset.lock.packages)).toEqual([
    '',
    'node_modules/@s/d',
    'node_modules/a',
    'node_modules/a/node_modules/c',
    'node_modules/a/node_modules/e',
    'node_modules/c',
  ]);
  expect(subset.lock.packages['']).toEqual({ name: 'x', dependencies: { a: '1.0.0' } });
  expect(() => subsetOfLock(manifest, lock, ['z'])).toThrow('names no z');
});

test('the committed lock pins every CLI by its hash and names no registry', () => {
  const manifest = read('package.json') as { dependencies: Record<string, string> };
  const lock = read('package-lock.json') as { packages: Record<string, { integrity?: string; resolved?: string }> };
  const names = Object.keys(manifest.dependencies);
  expect(Object.values(manifest.dependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  const { packages } = subsetOfLock(manifest, lock, names).lock;
  for (const [path, { integrity, resolved }] of Object.entries(packages)) {
    expect(resolved, path).toBeUndefined();
    if (path !== '') expect(integrity, path).toMatch(/^sha512-/);
  }
});
