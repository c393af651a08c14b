/** As much of JSON Schema 2020-12 as docs/schema/ uses. A keyword it does not know is an error, never ignored. */

export type Schema = { readonly [keyword: string]: unknown };
export interface SchemaDocument extends Schema {
  readonly $defs: Readonly<Record<string, Schema>>;
}

const DEFS = '#/$defs/';
const ANNOTATIONS: ReadonlySet<string> = new Set(['$schema', '$id', '$defs', 'title', 'description', 'default']);

type Check = (value: unknown, argument: unknown, schema: Schema, document: SchemaDocument) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: Array.isArray,
  object: isObject,
};

/** A keyword says nothing about values of other types. */
const ofNumber =
  (check: (value: number, argument: number) => boolean): Check =>
  (value, argument) =>
    typeof value !== 'number' || check(value, argument as number);
const ofText =
  (check: (length: number, argument: number) => boolean): Check =>
  (value, argument) =>
    typeof value !== 'string' || check(Array.from(value).length, argument as number);
const ofList =
  (check: (length: number, argument: number) => boolean): Check =>
  (value, argument) =>
    !Array.isArray(value) || check(value.length, argument as number);

const CHECKS: Readonly<Record<string, Check>> = {
  $ref: (value, reference, _schema, document) => isValid(document, definition(document, reference as string), value),
  type: (value, types) => [types].flat().some((type) => TYPES[String(type)]!(value)),
  const: (value, only) => value === only,
  enum: (value, names) => (names as unknown[]).includes(value),
  anyOf: (value, branches, _schema, document) => (branches as Schema[]).some((one) => isValid(document, one, value)),
  oneOf: (value, branches, _schema, document) =>
    (branches as Schema[]).filter((one) => isValid(document, one, value)).length === 1,
  not: (value, schema, _schema, document) => !isValid(document, schema as Schema, value),
  minimum: ofNumber((value, least) => value >= least),
  maximum: ofNumber((value, most) => value <= most),
  exclusiveMinimum: ofNumber((value, low) => value > low),
  minLength: ofText((length, least) => length >= least),
  maxLength: ofText((length, most) => length <= most),
  minItems: ofList((length, least) => length >= least),
  maxItems: ofList((length, most) => length <= most),
  required: (value, names) => !isObject(value) || (names as string[]).every((name) => Object.hasOwn(value, name)),
  properties: (value, properties, _schema, document) =>
    !isObject(value) ||
    Object.entries(properties as Record<string, Schema>).every(
      ([name, schema]) => !Object.hasOwn(value, name) || isValid(document, schema, value[name]),
    ),
  propertyNames: (value, schema, _schema, document) =>
    !isObject(value) || Object.keys(value).every((name) => isValid(document, schema as Schema, name)),
  additionalProperties: (value, schema, { properties = {} }, document) =>
    !isObject(value) ||
    Object.entries(value).every(
      ([name, one]) => Object.hasOwn(properties as object, name) || isValid(document, schema as Schema, one),
    ),
  prefixItems: (value, schemas, _schema, document) =>
    !Array.isArray(value) ||
    (schemas as Schema[]).every((schema, index) => index >= value.length || isValid(document, schema, value[index])),
  items: (value, schema, { prefixItems = [] }, document) =>
    !Array.isArray(value) ||
    value
      .slice((prefixItems as unknown[]).length)
      .every((item) => schema !== false && isValid(document, schema as Schema, item)),
};

function definition(document: SchemaDocument, reference: string): Schema {
  const found = document.$defs[reference.slice(DEFS.length)];
  if (!reference.startsWith(DEFS) || found === undefined) throw new Error(`no definition ${reference}`);
  return found;
}

export function isValid(document: SchemaDocument, schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, argument]) => {
    if (ANNOTATIONS.has(keyword) || keyword.startsWith('x-')) return true;
    const check = CHECKS[keyword];
    if (check === undefined) throw new Error(`the validator does not know ${keyword}`);
    return check(value, argument, schema, document);
  });
}

/** One thing done to one field of a valid message. */
export interface Mutation {
  /** `removed`, `null` or `wrong`, and of what: `node.children[0].size`. */
  name: string;
  path: string;
  value: unknown;
  /** Whether the schema takes it. */
  valid: boolean;
}

const WRONG: readonly unknown[] = [true, 7, 'x', []];

/** Every field of `value`, at every depth: removed, null, of another type. */
export function* mutations(document: SchemaDocument, schema: Schema, value: unknown): Generator<Mutation> {
  for (const { path, replaced, what } of walk(document, schema, value, '')) {
    yield { name: `${what} ${path}`, path, value: replaced, valid: isValid(document, schema, replaced) };
  }
}

interface Step {
  path: string;
  what: string;
  replaced: unknown;
}

function* walk(document: SchemaDocument, outer: Schema, value: unknown, at: string): Generator<Step> {
  const schema = resolve(document, outer, value);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const prefix = schema['prefixItems'] as Schema[] | undefined;
      const own = prefix?.[index] ?? (schema['items'] as Schema);
      yield* around(document, own, item, `${at}[${index}]`, (replaced) => value.with(index, replaced));
    }
    return;
  }
  if (!isObject(value)) return;
  for (const [name, own] of Object.entries((schema['properties'] ?? {}) as Record<string, Schema>)) {
    if (!Object.hasOwn(value, name) || own['const'] !== undefined) continue;
    const path = at === '' ? name : `${at}.${name}`;
    yield {
      path,
      what: 'removed',
      replaced: Object.fromEntries(Object.entries(value).filter(([key]) => key !== name)),
    };
    yield* around(document, own, value[name], path, (replaced) => ({ ...value, [name]: replaced }));
  }
}

function* around(
  document: SchemaDocument,
  schema: Schema,
  value: unknown,
  path: string,
  rebuild: (replaced: unknown) => unknown,
): Generator<Step> {
  yield { path, what: 'null', replaced: rebuild(null) };
  const wrong = WRONG.find((one) => typeof one !== typeof value && !isValid(document, schema, one));
  if (wrong !== undefined) yield { path, what: 'wrong', replaced: rebuild(wrong) };
  for (const step of walk(document, schema, value, path)) yield { ...step, replaced: rebuild(step.replaced) };
}

/** What describes this value: behind references, the alternative it is. */
function resolve(document: SchemaDocument, schema: Schema, value: unknown): Schema {
  if (schema['$ref'] !== undefined) return resolve(document, definition(document, schema['$ref'] as string), value);
  const branch = (schema['anyOf'] as Schema[] | undefined)?.find((one) => isValid(document, one, value));
  return branch === undefined ? schema : resolve(document, branch, value);
}
