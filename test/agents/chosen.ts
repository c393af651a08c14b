/**
 * Which real CLIs tests run. By default those that CI installs; `HOLDFAST_TEST_AGENTS=all`, or names with commas between
 * them, says which instead.
 */
const DEFAULT: readonly string[] = ['claude', 'codex'];

/** Why the tests of this CLI do not run; null when they do. */
export function whyNot(name: string): string | null {
  const asked = process.env['HOLDFAST_TEST_AGENTS'] ?? '';
  const chosen = asked === '' ? DEFAULT : asked.split(',').map((word) => word.trim());
  if (chosen.includes('all') || chosen.includes(name)) return null;
  return `not chosen: HOLDFAST_TEST_AGENTS=${name} (or all) runs it`;
}
