// docs/CONTROL.md, from the published JSON Schema.

const DEFS = '#/$defs/';
const DOMAINS = {
  connection: 'Connection',
  sessions: 'Sessions',
  agents: 'Agents and messages',
  workspaces: 'Workspaces, tabs, blocks and layouts',
  windows: 'Windows (launcher)',
  sagas: 'Sagas',
};
const ENVELOPE = ['version', 'at', 'prev'];
const RECEIVERS = { srv: 'srv', launcher: 'the launcher', either: 'srv or the launcher', host: 'the host' };

/** `codes`: error code → exit status of the command line. */
export function controlReference({ $defs: defs }, codes) {
  const named = (prefix) =>
    Object.entries(defs)
      .filter(([id]) => id.startsWith(`${prefix}.`))
      .map(([id, schema]) => ({ name: id.slice(prefix.length + 1), schema }));
  const commands = named('command');
  const events = named('event');
  return [
    ...preface(defs),
    '## Commands',
    '',
    ...byDomain(commands, ({ name, schema }) => [...heading(name, schema), ...answer(defs[`reply.${name}`])]),
    '## Events',
    '',
    'Committed events carry `version`, `at` and, on a subscription of ours, `prev` beside their own fields.',
    '',
    ...byDomain(events, ({ name, schema }) => heading(name, schema)),
    '## Types',
    '',
    ...Object.entries(defs)
      .filter(([id]) => !id.includes('.') && !['Command', 'Event', 'RequestEnvelope'].includes(id))
      .flatMap(([id, schema]) => [`### ${id}`, '', ...described(schema), ...body(schema)]),
    '## Error codes',
    '',
    'With the exit status of the command line. A connection of the seed gets `invalid_command`, `not_registered` or `already_registered`.',
    '',
    '| code | exit status |',
    '| --- | --- |',
    ...Object.entries(codes).map(([code, status]) => `| \`${code}\` | ${status} |`),
    '',
  ].join('\n');
}

function preface(defs) {
  return [
    '# The control socket',
    '',
    'Written by `node scripts/schemas.mjs` from `src/protocol/control/schemas/`; do not edit. The same source gives',
    '[`schema/control.json`](schema/control.json), the types of the SDK and the check that srv makes.',
    '',
    'One JSON object per line. A command is named by `cmd`, an event by `event`. In a command null means missing where a',
    'field may be missing; unknown fields are ignored, unknown keys of a layout node are kept. `since` is the protocol',
    'number that introduced a variant or field; 0 is the seed, and a connection that registers without `protocol` sees',
    'nothing else. Lengths of strings are bytes of UTF-8; u32 and i32 are whole numbers of 32 bits.',
    '',
    'Beside its own fields a command may carry:',
    '',
    ...fieldTable(defs.RequestEnvelope, 1),
  ];
}

function byDomain(variants, render) {
  return Object.entries(DOMAINS).flatMap(([domain, title]) => {
    const own = variants.filter(({ schema }) => schema['x-domain'] === domain);
    return own.length === 0 ? [] : [`### ${title}`, '', ...own.flatMap(render)];
  });
}

function heading(name, schema) {
  const to = schema['x-to'] === undefined ? '' : `, to ${RECEIVERS[schema['x-to']]}`;
  const about = schema.description === undefined ? '' : `${schema.description}. `;
  return [
    `#### \`${name}\``,
    '',
    `${about}_Since ${schema['x-since']}${to}._`,
    '',
    ...fieldTable(withoutEnvelope(schema), schema['x-since']),
  ];
}

/** What every committed event has is said once. */
function withoutEnvelope({ properties, required }) {
  if (properties.at === undefined) return { properties, required };
  const own = Object.entries(properties).filter(([name]) => !ENVELOPE.includes(name));
  return { properties: Object.fromEntries(own), required };
}

/** Fields of the reply beside those which every reply has. */
function answer(reply) {
  if (reply === undefined) return [];
  const own = Object.entries(reply.properties).filter(([name]) => !['reply', 'ok', 'version'].includes(name));
  if (own.length === 0) return [];
  const fields = own.map(([name, schema]) => {
    const optional = reply.required.includes(name) ? '' : '?';
    const about = schema.description === undefined ? '' : ` (${schema.description})`;
    return `\`${name}${optional}\` ${typeOf(schema)}${about}`;
  });
  return [`Answer: ${fields.join(' · ')}`, ''];
}

function described({ description }) {
  return description === undefined ? [] : [`${description}.`, ''];
}

function body(schema) {
  const since = schema['x-since'];
  if (schema.properties !== undefined) return fieldTable(schema, since);
  if (schema.anyOf?.some((one) => one.properties !== undefined)) {
    return schema.anyOf.flatMap((one, index) => [...(index > 0 ? ['or', ''] : []), ...fieldTable(one, since)]);
  }
  return [`${typeOf(schema)}.`, ''];
}

function fieldTable({ properties, required = [] }, since = 0) {
  const rows = Object.entries(properties).filter(
    ([name, schema]) => schema.not === undefined && !['cmd', 'event'].includes(name),
  );
  if (rows.length === 0) return [];
  return [
    '| field | value | | since | |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(([name, schema]) => {
      const needed = schema['x-needed-by-seed'] === true ? 'seed: required' : 'optional';
      const cells = [
        `\`${name}\``,
        typeOf(required.includes(name) ? schema : withoutNull(schema)),
        required.includes(name) ? 'required' : needed,
        String(schema['x-since'] ?? since),
        schema.description ?? '',
      ];
      return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    }),
    '',
  ];
}

/** Of an optional field null says nothing. */
function withoutNull(schema) {
  if (schema.anyOf?.length !== 2 || schema.anyOf[1].type !== 'null') return schema;
  return schema.anyOf[0];
}

function typeOf(schema) {
  const { $ref, const: only, enum: names, anyOf, type, prefixItems, items, properties } = schema;
  if ($ref !== undefined) return reference($ref.slice(DEFS.length));
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (names !== undefined) return names.length > 12 ? 'an error code' : names.map((name) => `\`${name}\``).join(', ');
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ');
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one })).join(' or ');
  if (prefixItems !== undefined) return `[${prefixItems.map(typeOf).join(', ')}]`;
  if (type === 'array')
    return `list of ${typeOf(items)}${schema.maxItems === undefined ? '' : `, at most ${schema.maxItems}`}`;
  if (properties !== undefined) {
    return `{ ${Object.entries(properties)
      .map(([name, field]) => `${name}${schema.required?.includes(name) ? '' : '?'}: ${typeOf(field)}`)
      .join('; ')} }`;
  }
  if (type === 'object') return 'object';
  if (type === undefined) return 'any value';
  return type === 'string' ? stringType(schema) : numberType(schema);
}

function reference(id) {
  return `[${id}](#${id.toLowerCase().replaceAll('.', '')})`;
}

function stringType({ minLength, maxLength }) {
  return maxLength === undefined ? 'string' : `string, ${minLength} to ${maxLength} bytes`;
}

function numberType({ type, minimum, maximum, exclusiveMinimum }) {
  const isOpen = (bound) => bound === undefined || Math.abs(bound) === Number.MAX_SAFE_INTEGER;
  if (minimum === 0 && maximum === 0xffff_ffff) return 'u32';
  if (minimum === -0x8000_0000) return 'i32';
  if (exclusiveMinimum !== undefined) return `${type} > ${exclusiveMinimum}, ≤ ${maximum}`;
  if (isOpen(minimum)) return type;
  return isOpen(maximum) ? `${type} ≥ ${minimum}` : `${type} ${minimum} to ${maximum}`;
}
