// The layers of src/: a folder may import from folders above it in this list, never from one beside or below it, and
// enters another folder only through its doors, index.ts above all.
const ORDER = [
  ['protocol'],
  ['runtime'],
  ['domains'],
  ['agents'],
  ['transport'],
  ['process'],
  ['session'],
  ['screen'],
  ['kernel'],
  ['control'],
  ['client'],
  ['shim', 'srv', 'launcher', 'host'],
  ['cli'],
];
const PROCESSES = ['shim', 'srv', 'launcher', 'host', 'cli'];

/** Pure folders: no clock, no sockets; what they need is handed to them. Their tests may reach for the ports. */
const PURE = { domains: ['protocol'], agents: ['protocol'], runtime: ['protocol'] };
const TEST = '[.]test[.]ts$';

/** contract.ts holds interfaces only. protocol/ has more doors, so that nobody pays for schemas he does not use. */
const DOORS = [
  '^src/[^/]+/(index|internal|contract)[.]ts$',
  '^src/domains/[^/]+/(index|internal|contract)[.]ts$',
  '^src/kernel/sqlite/index[.]ts$',
  '^src/protocol/(errors|limits)[.]ts$',
  '^src/protocol/[^/]+/(index|schemas)[.]ts$',
];

const folders = ORDER.flat();
const within = (names) => `^src/(${names.join('|')})/`;

function above(folder) {
  const row = ORDER.findIndex((names) => names.includes(folder));
  const higher = ORDER.slice(0, row).flat();
  return higher.filter((name) => !PROCESSES.includes(name));
}

function layer(folder, allowed, from) {
  return {
    name: `layer-${folder}`,
    comment: `src/${folder}/ may import: ${allowed.join(', ') || 'nothing of ours'}`,
    severity: 'error',
    from: { path: within([folder]), ...from },
    to: { path: '^src/[^/]+/', pathNot: [within([folder, ...allowed])] },
  };
}

const layers = folders.flatMap((folder) =>
  PURE[folder] === undefined
    ? [layer(folder, above(folder))]
    : [
        layer(folder, PURE[folder], { pathNot: TEST }),
        { ...layer(folder, above(folder), { path: `${within([folder])}.*${TEST}` }), name: `layer-${folder}-tests` },
      ],
);

module.exports = {
  forbidden: [
    ...layers,
    {
      name: 'layer-unknown',
      comment: 'A new folder of src/ needs its place in the order above',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: [within(folders)] },
      to: {},
    },
    {
      name: 'doors',
      comment: 'Another folder is entered through its index.ts, internal.ts or contract.ts',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: TEST },
      to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', ...DOORS] },
    },
    {
      name: 'doors-between-domains',
      comment: 'One domain enters another through its index.ts or internal.ts',
      severity: 'error',
      from: { path: '^src/domains/([^/]+)/', pathNot: TEST },
      to: { path: '^src/domains/[^/]+/', pathNot: ['^src/domains/$1/', ...DOORS] },
    },
    {
      name: 'no-cycles',
      comment: 'Types may refer to each other within a folder; code may not',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'product-imports-no-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: TEST },
      to: { path: '^test/|[.]test[.]ts$|^bench/' },
    },
    {
      name: 'declared-packages-only',
      comment: 'What a process imports is in dependencies or optionalDependencies',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '[.]test[.]ts$|[.]d[.]ts$|(contract-suite|log-contract|testing)[.]ts$|/fixtures/',
      },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'pure-folders',
      comment: 'Deciders and agent rules do no I/O',
      severity: 'error',
      from: { path: '^src/(domains|agents)/', pathNot: TEST },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(util|assert)$' },
    },
    {
      name: 'unresolvable',
      severity: 'error',
      from: { path: '^(src|test|bench)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|test/fixtures/)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
