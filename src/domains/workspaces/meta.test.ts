import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../protocol/index.ts';
import { Editor } from './fixtures/editor.ts';
import { patchMeta } from './meta.ts';

const parse = (text: string) => JSON.parse(text) as Record<string, unknown>;

// RFC 7396, appendix A; those whose patch is no object are not taken.
const EXAMPLES: [original: string, patch: string, result: string][] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

describe('[W12] a meta patch', () => {
  it.each(EXAMPLES)('merges %s with %s to %s', (original, patch, result) => {
    expect(patchMeta(parse(original), parse(patch))).toEqual(parse(result));
  });

  it('is committed with its result, for every kind of thing', () => {
    const editor = new Editor().build({ t: 'a' });
    editor.execute({ cmd: 'create_window', window_id: 'm', workspace_id: 'w' });
    const patch = { meta_patch: { a: 1, b: { c: null } } };
    const meta = { a: 1, b: {} };
    expect([
      editor.execute({ cmd: 'update_workspace_meta', workspace_id: 'w', ...patch }),
      editor.execute({ cmd: 'update_tab_meta', tab_id: 't', ...patch }),
      editor.execute({ cmd: 'update_block_meta', block_id: 'a', ...patch }),
      editor.execute({ cmd: 'update_window_meta', window_id: 'm', ...patch }),
    ]).toEqual([
      [{ event: 'workspace_meta_updated', workspace_id: 'w', ...patch, meta }],
      [{ event: 'tab_meta_updated', tab_id: 't', ...patch, meta }],
      [{ event: 'block_meta_updated', block_id: 'a', ...patch, meta }],
      [{ event: 'window_meta_updated', window_id: 'm', ...patch, meta }],
    ]);
    expect(editor.names({ cmd: 'update_block_meta', block_id: 'a', meta_patch: { z: null, b: {} } })).toEqual([]);
    expect(editor.result).toEqual({ meta });
    expect(editor.refusal({ cmd: 'update_workspace_meta', workspace_id: 't', ...patch })).toBe(
      'not_found workspace_id',
    );
    expect(editor.refusal({ cmd: 'update_block_meta', block_id: 't', ...patch })).toBe('not_found block_id');
  });

  it('takes __proto__ and constructor for keys like any other', () => {
    const hostile = parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":null}');
    const meta = patchMeta({}, hostile)!;
    expect(Object.keys(meta)).toEqual(['__proto__', 'constructor']);
    expect(JSON.stringify(meta)).toBe('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    expect(Object.getPrototypeOf(meta)).toBe(Object.prototype);
    expect({}).not.toHaveProperty('polluted');
    expect(patchMeta(meta, parse('{"__proto__":{"polluted":null}}'))).toEqual(
      parse('{"__proto__":{},"constructor":{"prototype":{"polluted":1}}}'),
    );
  });

  it('is an object within its limits, and so is what comes of it', () => {
    const refused = (patch: unknown, meta = {}) => {
      try {
        patchMeta(meta, patch);
        return 'accepted';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    for (const patch of [null, undefined, 1, 'x', [], [1]]) expect(refused(patch)).toBe('invalid_argument');
    const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
    expect([refused(nested(limits.META_DEPTH)), refused(nested(limits.META_DEPTH + 1))]).toEqual([
      'accepted',
      'invalid_argument',
    ]);
    const sized = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
    expect(refused(sized(limits.META_PATCH_BYTES))).toBe('accepted');
    expect(refused(sized(limits.META_PATCH_BYTES + 1))).toBe('too_large');
    const full = { b: 'x'.repeat(limits.META_BYTES - '{"b":"","a":""}'.length) };
    expect([refused({ a: '' }, full), refused({ a: 'x' }, full)]).toEqual(['accepted', 'too_large']);
    const editor = new Editor().build({ t: '' });
    expect(editor.refusal({ cmd: 'create_block', tab_id: 't', meta: sized(limits.META_PATCH_BYTES + 1) })).toBe(
      'too_large meta',
    );
  });

  it('gives the same whether applied once or twice, and leaves what it does not name', () => {
    const json = fc.jsonValue({ maxDepth: 3 });
    const object = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', '0'), json);
    fc.assert(
      fc.property(object, object, (meta, patch) => {
        const before = JSON.stringify(meta);
        const once = patchMeta(meta, patch) ?? meta;
        expect(patchMeta(once, patch)).toBeNull();
        expect(JSON.stringify(meta)).toBe(before);
        for (const [key, value] of Object.entries(patch)) {
          expect(Object.hasOwn(once, key)).toBe(value !== null);
        }
        for (const [key, value] of Object.entries(meta)) {
          if (!Object.hasOwn(patch, key)) expect(Object.getOwnPropertyDescriptor(once, key)?.value).toEqual(value);
        }
      }),
    );
  });
});
