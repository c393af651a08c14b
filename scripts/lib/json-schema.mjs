// The published JSON Schema (draft 2020-12) of the control socket, from the zod schemas.
import { z } from 'zod';

const DEFS = '#/$defs/';
/** Parts of commands in which a field may be null as well as missing. */
const LENIENT = ['LayoutNodeInCommand', 'BlockPlace'];

/** One document: a definition per variant and per shared type. `registry` says where variants belong. */
export function controlSchema({ commands, events, results, types }, registry) {
  const named = z.registry();
  const variants = new Map();
  const add = (prefix, table, entries) => {
    for (const [name, schema] of Object.entries(table)) {
      named.add(schema, { id: `${prefix}.${name}` });
      variants.set(`${prefix}.${name}`, entries[name]);
    }
  };
  for (const [name, schema] of Object.entries(types)) named.add(schema, { id: name });
  add('command', commands, registry.COMMAND_REGISTRY);
  add('event', events, registry.EVENT_REGISTRY);

  for (const [name, schema] of Object.entries(results)) named.add(schema, { id: `reply.${name}` });

  const { schemas } = z.toJSONSchema(named, { io: 'input', uri: (id) => `${DEFS}${id}`, override });
  const defs = {};
  for (const [id, { $schema: _, $id: __, ...definition }] of Object.entries(schemas)) {
    const entry = variants.get(id);
    defs[id] = entry === undefined ? definition : { ...definition, 'x-since': entry.since, 'x-domain': entry.domain };
    if (entry?.to !== undefined) {
      defs[id]['x-to'] = entry.to;
      letOptionalBeNull(defs[id]);
    }
  }
  for (const id of LENIENT) for (const one of defs[id].anyOf ?? [defs[id]]) letOptionalBeNull(one);
  const oneOf = (prefix) => ({
    oneOf: [...variants.keys()].filter((id) => id.startsWith(`${prefix}.`)).map((id) => ({ $ref: `${DEFS}${id}` })),
  });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:holdfast:control',
    title: 'Holdfast control socket',
    description:
      'One JSON object per line. x-since is the protocol number that introduced a field or variant; 0 is the seed. ' +
      'Lengths of strings are bytes of UTF-8 on the wire, characters here.',
    anyOf: ['Command', 'Event', 'SuccessReply', 'FailureReply', 'HostFrame'].map((id) => ({ $ref: `${DEFS}${id}` })),
    $defs: { Command: oneOf('command'), Event: oneOf('event'), ...defs },
  };
}

/** Marks of ours get the prefix that keywords of others have. */
function override({ jsonSchema }) {
  if (jsonSchema.since !== undefined) jsonSchema['x-since'] = jsonSchema.since;
  if (jsonSchema.needed_by_seed !== undefined) jsonSchema['x-needed-by-seed'] = true;
  delete jsonSchema.since;
  delete jsonSchema.needed_by_seed;
  if (jsonSchema.description === '') delete jsonSchema.description;
}

function letOptionalBeNull({ properties, required = [] }) {
  for (const [name, property] of Object.entries(properties)) {
    if (required.includes(name) || properties[name].not !== undefined) continue;
    const { description, 'x-since': since, 'x-needed-by-seed': needed, ...value } = property;
    if (value.anyOf?.some(({ type }) => type === 'null')) continue;
    properties[name] = {
      anyOf: [value, { type: 'null' }],
      ...(description === undefined ? {} : { description }),
      ...(since === undefined ? {} : { 'x-since': since }),
      ...(needed === undefined ? {} : { 'x-needed-by-seed': needed }),
    };
  }
}
