import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CONFIG, parseConfig, readConfig } from './config.ts';

describe('config.toml', () => {
  it('may be missing or empty', () => {
    expect(readConfig(join(tmpdir(), 'hf-no-such-config.toml'))).toEqual(DEFAULT_CONFIG);
    expect(parseConfig('')).toEqual(DEFAULT_CONFIG);
  });

  it('is read from its file', () => {
    const directory = mkdtempSync(join(tmpdir(), 'hf-c-'));
    writeFileSync(
      join(directory, 'config.toml'),
      '[limits]\nlive_sessions = 3\n[retention]\nexited_days = 1\n[session]\nlinger_ms = 5\nallow_lossless = true\n',
    );
    const config = readConfig(join(directory, 'config.toml'));
    expect(config).toMatchObject({
      liveSessions: 3,
      exitedKeptMs: 86_400_000,
      session: { linger_ms: 5, allow_lossless: true },
    });
    rmSync(directory, { recursive: true });
    expect(DEFAULT_CONFIG.session.linger_ms).toBeNull();
  });

  it.each([
    ['limits.live_session', '[limits]\nlive_session = 3'],
    ['colour', 'colour = "red"'],
    ['shim.warm_spares', '[shim]\nwarm_spares = 5'],
    ['shim.warm_spares', '[shim]\nwarm_spares = "1"'],
    ['session.allow_lossless', '[session]\nallow_lossless = 1'],
    ['limits.live_sessions', '[limits]\nlive_sessions = 1.5'],
    ['config.toml', 'not = = toml'],
  ])('names the key at fault: %s', (field, text) => {
    expect(() => parseConfig(text)).toThrow(expect.objectContaining({ code: 'invalid_argument', field }));
  });
});
