// src/protocol/control/seed-keys.ts: which fields of which variants the seed has.

export function seedKeys({ commands, events }, { COMMAND_REGISTRY, EVENT_REGISTRY }) {
  return [
    '// Written by scripts/schemas.mjs from schemas/; `npm run check -- schemas` compares.',
    "import type { AnyCommandName, AnyEventName } from './vocabulary.ts';",
    '',
    '/** Fields of each command of the seed, without `cmd`. */',
    ...table('SEED_COMMAND_KEYS', 'AnyCommandName', keysOf(commands, COMMAND_REGISTRY, 'cmd', isOfSeed)),
    '',
    '/** Those that the seed does not let out, while we do. */',
    ...table('NEEDED_BY_SEED', 'AnyCommandName', keysOf(commands, COMMAND_REGISTRY, 'cmd', isNeeded)),
    '',
    '/** Fields of each event of the seed, without `event`. */',
    ...table('SEED_EVENT_KEYS', 'AnyEventName', keysOf(events, EVENT_REGISTRY, 'event', isOfSeed)),
    '',
  ].join('\n');
}

const isOfSeed = (field) => (field.meta()?.since ?? 0) === 0;
const isNeeded = (field) => field.meta()?.needed_by_seed === true;

function keysOf(variants, registry, tag, wanted) {
  return Object.entries(variants)
    .filter(([name]) => registry[name].since === 0)
    .map(([name, { shape }]) => [name, Object.keys(shape).filter((key) => key !== tag && wanted(shape[key]))])
    .filter(([, keys]) => wanted === isOfSeed || keys.length > 0);
}

function table(name, names, entries) {
  return [
    `export const ${name}: { readonly [K in ${names}]?: readonly string[] } = {`,
    ...entries.map(([variant, keys]) => `  ${variant}: [${keys.map((key) => `'${key}'`).join(', ')}],`),
    '};',
  ];
}
