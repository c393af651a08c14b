/**
 * What a command's fields mean before they are checked: null is missing where a field may be missing, and a free-form
 * value has no key that assigns to a prototype (zod would drop it in silence). Copies only what it changes.
 */
import { z } from 'zod';
import { invalid } from '../../errors.ts';

type Fields = Record<string, unknown>;

/** Layout trees, wherever a command takes one; free-form JSON; an object whose fields may all be missing. */
const READERS: Readonly<Record<string, (value: unknown, path: string) => unknown>> = {
  node: readNode,
  new_node: readNode,
  new_tree: readNode,
  meta: readJson,
  meta_patch: readJson,
  place: (value) => (isObject(value) ? withoutNulls(value) : value),
};
/** Of a layout node: what the seed lets out. */
const NODE_DEFAULTS: ReadonlySet<string> = new Set(['flexDirection', 'size', 'children', 'data']);
const NONE: ReadonlySet<string> = new Set();

/** How to read one command. */
export class Input {
  /** Fields whose null says something. */
  readonly #meaningful: ReadonlySet<string>;
  readonly #freeForm: readonly string[];

  constructor({ shape }: z.ZodObject) {
    const names = Object.keys(shape);
    this.#meaningful = new Set(names.filter((name) => shape[name] instanceof z.ZodNullable));
    this.#freeForm = names.filter((name) => Object.hasOwn(READERS, name));
  }

  /** Throws `invalid_argument` naming a key that no state may hold. */
  read(fields: Fields): Fields {
    let read = withoutNulls(fields, this.#meaningful);
    for (const name of this.#freeForm) {
      const given = read[name];
      if (given === undefined) continue;
      const value = READERS[name]!(given, name);
      if (value !== given) read = { ...read, [name]: value };
    }
    return read;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withoutNulls(fields: Fields, kept: ReadonlySet<string> = NONE): Fields {
  const isDropped = (name: string): boolean => fields[name] === null && !kept.has(name);
  if (!Object.keys(fields).some(isDropped)) return fields;
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !isDropped(name)));
}

/** No branch without children: an empty list is none, as in the seed. */
function isDefault(key: string, value: unknown): boolean {
  if (!NODE_DEFAULTS.has(key)) return false;
  return value === null || (key === 'children' && Array.isArray(value) && value.length === 0);
}

function readNode(value: unknown, path: string): unknown {
  if (!isObject(value)) return readJson(value, path);
  let changed = false;
  const read: Fields = {};
  for (const [key, given] of Object.entries(value)) {
    refuseKey(key, path);
    if (isDefault(key, given)) {
      changed = true;
      continue;
    }
    const at = `${path}.${key}`;
    read[key] =
      key === 'children' && Array.isArray(given)
        ? given.map((child: unknown, index) => readNode(child, `${at}[${index}]`))
        : readJson(given, at);
    changed ||= key === 'children';
  }
  return changed ? read : value;
}

function readJson(value: unknown, path: string): unknown {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) readJson(item, `${path}[${index}]`);
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      refuseKey(key, path);
      readJson(item, `${path}.${key}`);
    }
  }
  return value;
}

function refuseKey(key: string, path: string): void {
  if (key === '__proto__') throw invalid(`${path}.${key}`, `${path}.${key} is no key to use`);
}
