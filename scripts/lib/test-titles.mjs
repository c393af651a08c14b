// The titles of tests as they run, with what `it.each` makes of them, without running any.
import { createVitest } from 'vitest/node';
import { fail, root } from './project.mjs';

/** `{file, groups, title}` of every test in the files that `include` names; `groups` are the describes around it. */
export async function testTitles(include) {
  // Not the project's own configuration: that builds the bundles, which nothing here runs.
  const options = { config: false, root, include, watch: false, reporters: [{}] };
  const define = { __HOLDFAST_FAULTS__: 'true', __HOLDFAST_VERSION__: '"0.0.0-test"' };
  const vitest = await createVitest('test', options, { define, logLevel: 'error' });
  try {
    const { testModules, unhandledErrors } = await vitest.collect();
    const broken = testModules.flatMap((module) =>
      module.errors().map(({ message }) => `${module.relativeModuleId}: ${message}`),
    );
    const errors = [...broken, ...unhandledErrors.map((error) => error.message)];
    if (errors.length > 0) fail(`tests cannot be listed: ${errors.join('\n')}`);
    // As they were read, which differs from run to run.
    const modules = testModules.toSorted((a, b) => (a.relativeModuleId < b.relativeModuleId ? -1 : 1));
    return modules.flatMap((module) =>
      // What is skipped tests nothing.
      Array.from(module.children.allTests())
        .filter((test) => test.options.mode === 'run')
        .map((test) => titleOf(module, test)),
    );
  } finally {
    await vitest.close();
  }
}

function titleOf(module, test) {
  const groups = [];
  for (let parent = test.parent; parent.type === 'suite'; parent = parent.parent) groups.unshift(parent.name);
  return { file: module.relativeModuleId, groups, title: test.name };
}
