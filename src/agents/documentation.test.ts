import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentProfileSchema } from '../protocol/agent/schemas.ts';
import { checkProfile } from './check.ts';
import { BUILT_IN_PROFILES } from './profiles/index.ts';

const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'PROFILES.md'), 'utf8');
const example = /```toml\n([\s\S]*?)```/.exec(text)![1]!;

/** Every name of a field in the schema, at any depth. */
function fieldsOf(schema: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(schema)) for (const item of schema) fieldsOf(item, found);
  else if (typeof schema === 'object' && schema !== null) {
    for (const [key, value] of Object.entries(schema)) {
      if (key === 'properties') for (const name of Object.keys(value as object)) found.add(name);
      fieldsOf(value, found);
    }
  }
  return found;
}

describe('docs/PROFILES.md', () => {
  it('names every field of a profile', () => {
    const fields = fieldsOf(z.toJSONSchema(agentProfileSchema, { io: 'input', unrepresentable: 'any' }));
    expect(fields.size).toBeGreaterThan(60);
    const missing = [...fields].filter((field) => !new RegExp(`\\b${field}\\b`).test(text));
    expect(missing).toEqual([]);
  });

  it('gives the defaults that are', () => {
    const { timings, input } = checkProfile({ name: 'x', title: 'x', launch: {} }, 'x');
    for (const [name, value] of Object.entries(timings))
      expect(text).toMatch(new RegExp(`\\| \`${name}\` +\\| ${value} +\\|`));
    expect(text).toContain(`| ${input.by_reference_bytes} `);
  });

  it('lists the built-in profiles', () => {
    for (const { name } of BUILT_IN_PROFILES) expect(text).toContain(`| \`${name}\``);
  });

  it('has an example that works', () => {
    const tables = (parse(example) as { agents: Record<string, Record<string, unknown>> }).agents;
    expect(Object.keys(tables)).toEqual(['claude-fast', 'mine']);
    const profile = checkProfile({ ...tables['mine'], name: 'mine' }, 'agents.mine');
    expect(profile.dialogs[0]?.choices).toHaveLength(2);
    const { extends: base, ...own } = tables['claude-fast']!;
    const claude = BUILT_IN_PROFILES.find(({ name }) => name === base)!;
    checkProfile(
      { ...claude, ...own, name: 'claude-fast', launch: { ...claude.launch, ...(own['launch'] as object) } },
      'agents.claude-fast',
    );
  });
});
