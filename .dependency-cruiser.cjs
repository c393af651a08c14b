// The layers of src/: a folder may import from folders above it in this list, never from one beside or below it, and
// enters another folder only through its doors, index.ts or internal.ts.
const ORDER = [
  ['protocol'],
  ['domains'],
  ['agents'],
  ['transport'],
  ['runtime'],
  ['session'],
  ['kernel'],
  ['control'],
  ['client'],
  ['shim', 'srv', 'launcher', 'host'],
  ['cli'],
];
const PROCESSES = ['shim', 'srv', 'launcher', 'host', 'cli'];

/** What a layer may see of the ones above it where "all of them" is too much. */
const NARROWER = {
  // Pure: no clock, no sockets. What they need is handed to them.
  domains: ['protocol'],
  agents: ['protocol'],
  runtime: ['protocol'],
};

/** Of a folder, and of the folders in those two which have doors of their own. */
const DOORS = ['^src/[^/]+/(index|internal)[.]ts$', '^src/(domains|protocol)/[^/]+/(index|internal)[.]ts$'];

const folders = ORDER.flat();
const within = (names) => `^src/(${names.join('|')})/`;

function mayImport(folder) {
  if (NARROWER[folder] !== undefined) return NARROWER[folder];
  const row = ORDER.findIndex((names) => names.includes(folder));
  return ORDER.slice(0, row)
    .flat()
    .filter((name) => !PROCESSES.includes(name));
}

const layers = folders.map((folder) => ({
  name: `layer-${folder}`,
  comment: `src/${folder}/ may import: ${mayImport(folder).join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: within([folder]) },
  to: { path: '^src/', pathNot: [within([folder, ...mayImport(folder)])] },
}));

module.exports = {
  forbidden: [
    ...layers,
    {
      name: 'doors',
      comment: 'Another folder is entered through its index.ts or internal.ts',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: '[.]test[.]ts$' },
      to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', ...DOORS] },
    },
    {
      name: 'doors-between-domains',
      comment: 'One domain enters another through its index.ts or internal.ts',
      severity: 'error',
      from: { path: '^src/domains/([^/]+)/', pathNot: '[.]test[.]ts$' },
      to: { path: '^src/domains/[^/]+/', pathNot: ['^src/domains/$1/', ...DOORS] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'product-imports-no-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: '[.]test[.]ts$' },
      to: { path: '^test/|[.]test[.]ts$|^bench/' },
    },
    {
      name: 'declared-packages-only',
      comment: 'What a process imports is in dependencies or optionalDependencies',
      severity: 'error',
      from: { path: '^src/', pathNot: '[.]test[.]ts$|[.]d[.]ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'pure-folders',
      comment: 'Deciders and agent rules do no I/O',
      severity: 'error',
      from: { path: '^src/(domains|agents)/', pathNot: '[.]test[.]ts$' },
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
    exclude: { path: '^dist' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
