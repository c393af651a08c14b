// What tests each of the seed's 61 commands, by the titles of the tests and the golden lines.
//
// A test is about the commands its title or the describes around it name, in backticks (in the suites of the schemas:
// in quotes). Its kind is what follows the colon of a describe, or a describe's whole name.

/** Directory or file → column. */
const SUITES = [
  ['test/conformance/seed/', 'seed'],
  ['test/conformance/ours/', 'ours'],
  ['test/conformance/control-', 'schema'],
];
export const TEST_FILES = SUITES.map(([path]) => (path.endsWith('/') ? `${path}**/*.test.ts` : `${path}*.test.ts`));

/** Describe → kind. */
const KINDS = {
  success: 'success',
  error: 'error',
  'no-op': 'no-op',
  idempotency: 'no-op',
  'no-op and idempotency': 'no-op',
  order: 'order',
};
/** Describes that say more than their kind. */
const GROUPS = {
  'fields: error': 'fields',
  'before registration: error': 'before registration',
  'commands of the launcher and the host: error': 'refused',
};

/** What there has to be: the column's head, and the suites that must have it for a command; none: does not apply. */
const REQUIRED = [
  { kind: 'golden', head: 'golden line', by: () => ['seed', 'ours'] },
  { kind: 'fields', head: 'bad fields', by: fieldSuites },
  { kind: 'before registration', head: 'unregistered', by: ({ name }) => (name === 'register' ? [] : ['seed']) },
  { kind: 'success', head: 'success', by: servedBy },
  { kind: 'error', head: 'its errors', by: errorSuites },
  { kind: 'no-op', head: 'for nothing, or twice', by: servedBy },
  // A pong is told to nobody else and commits nothing: its order is that of all answers.
  { kind: 'order', head: 'order of events', by: (command) => (command.name === 'ping' ? [] : servedBy(command)) },
  { kind: 'refused', head: 'refused', by: ({ accepted }) => (accepted ? [] : ['seed']) },
];

function servedBy({ accepted }) {
  return accepted ? ['seed'] : [];
}

/** The seed has one code for all: which it is, and the field, only a client of ours can tell. */
function errorSuites({ name, accepted, domain }) {
  if (!accepted) return [];
  // Closing a window that is not there succeeds: there is nothing to refuse but its fields.
  return domain === 'workspaces' && name !== 'close_window_internal' ? ['seed', 'ours'] : ['seed'];
}

function fieldSuites({ name, accepted, fields }) {
  if (fields === 0) return [];
  // Those of a registration are among its errors, and nobody reads those of what is refused anyway.
  return accepted && name !== 'register' ? ['schema', 'seed'] : ['schema'];
}

/**
 * `commands`: name → `{accepted, domain, fields}`. `golden`: suite → names that have a line. Returns per command, in order,
 * `{name, accepted, cells, errors, missing}`.
 */
export function commandCoverage(commands, golden, tests) {
  const found = new Map(Object.keys(commands).map((name) => [name, []]));
  for (const test of tests) {
    const told = { suite: suiteOf(test.file), kind: kindOf(test), title: plain(test.title) };
    for (const name of namedBy(test)) found.get(name)?.push(told);
  }
  return Object.entries(commands).map(([name, facts]) => {
    const told = [
      ...found.get(name),
      ...Object.keys(golden)
        .filter((suite) => golden[suite].has(name))
        .map(goldenLine),
    ];
    const cells = REQUIRED.map(({ kind, by }) => {
      const wanted = by({ name, ...facts });
      const suites = new Set(told.filter((one) => one.kind === kind).map(({ suite }) => suite));
      return { applies: wanted.length > 0, suites, lacking: wanted.filter((suite) => !suites.has(suite)) };
    });
    const missing = REQUIRED.flatMap(({ head }, at) => cells[at].lacking.map((suite) => `${head} (${suite})`));
    const errors = told.filter(({ kind, suite }) => kind === 'error' && suite !== 'schema').map(({ title }) => title);
    return { name, ...facts, cells, errors: [...new Set(errors)], missing };
  });
}

export function coveragePage(coverage) {
  const accepted = coverage.filter((command) => command.accepted);
  const refused = coverage.filter((command) => !command.accepted);
  const lacking = coverage.filter(({ missing }) => missing.length > 0);
  return [
    '# What tests the commands of the seed',
    '',
    'Written by `node scripts/command-coverage.mjs` from the titles of the tests in `test/conformance/` and the golden',
    'lines in `test/fixtures/wire/`; do not edit. A cell names the suites: `schema` checks the one source of all',
    'messages, `seed` speaks to a socket as a client of the seed, `ours` as one of our own. Empty: does not apply.',
    '',
    `## The ${accepted.length} commands that srv serves`,
    '',
    ...table(accepted),
    `## The ${refused.length} commands of the launcher and the host`,
    '',
    'srv answers them with `wrong_domain` or `wrong_direction`, to a client of the seed with `invalid_command`.',
    '',
    ...table(refused),
    '## Missing',
    '',
    ...(lacking.length === 0
      ? ['Nothing.']
      : lacking.map(({ name, missing }) => `- \`${name}\`: ${missing.join(', ')}`)),
    '',
    '## The errors, one by one',
    '',
    'Beside bad fields, which are tested for every field of every command.',
    '',
    ...accepted.flatMap(({ name, errors }) => [`- \`${name}\``, ...errors.map((title) => `  - ${title}`)]),
    '',
  ].join('\n');
}

function table(coverage) {
  const shown = REQUIRED.map((_, at) => at).filter((at) => coverage.some(({ cells }) => cells[at].applies));
  return [
    `| command | ${shown.map((at) => REQUIRED[at].head).join(' | ')} |`,
    `| --- |${' --- |'.repeat(shown.length)}`,
    ...coverage.map(({ name, cells }) => `| \`${name}\` | ${shown.map((at) => cellText(cells[at])).join(' | ')} |`),
    '',
  ];
}

function cellText({ applies, suites, lacking }) {
  if (!applies) return '';
  return [...Array.from(suites).toSorted(), ...lacking.map((suite) => `**missing: ${suite}**`)].join(', ');
}

function goldenLine(suite) {
  return { suite, kind: 'golden', title: '' };
}

function suiteOf(file) {
  return SUITES.find(([path]) => file.startsWith(path))?.[1];
}

function kindOf({ file, groups, title }) {
  if (suiteOf(file) === 'schema') return /refuse[sd]/.test(title) ? 'fields' : 'schema';
  for (const group of groups.toReversed()) {
    const kind = GROUPS[group] ?? KINDS[group.split(': ').at(-1)];
    if (kind !== undefined) return kind;
  }
  return /\bis refused\b/.test(title) ? 'error' : 'other';
}

function namedBy({ file, groups, title }) {
  const quoted = suiteOf(file) === 'schema' ? /'(\w+)'|^(\w+) refuses/g : /`'?(\w+)'?`/g;
  const names = [title, ...groups].flatMap((text) => [...text.matchAll(quoted)].map((match) => match[1] ?? match[2]));
  return new Set(names);
}

/** Without the rules it cites. */
function plain(title) {
  return title.replace(/^(\[\w+\] )+/, '');
}
