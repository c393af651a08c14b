/** Version numbers of agent CLIs and the ranges profiles name, such as `>=2.1.0 <3`. */

const COMPARATOR = /^(>=|<=|>|<|=)?(\d+(?:\.\d+){0,2})$/;

/** The first thing in a program's answer that looks like a version; null: nothing does. */
export function findVersion(text: string): string | null {
  return /\d+\.\d+(?:\.\d+)?(?:-[0-9A-Za-z.-]+)?/.exec(text)?.[0] ?? null;
}

/** Whether a version is in a range: every comparator, blanks between them, holds. What is no range holds nothing. */
export function isInRange(version: string, range: string): boolean {
  const comparators = range.split(/\s+/).filter((part) => part !== '');
  return comparators.length > 0 && comparators.every((comparator) => holds(version, comparator));
}

function holds(version: string, comparator: string): boolean {
  const [, operator = '=', bound] = COMPARATOR.exec(comparator) ?? [];
  if (bound === undefined) return false;
  const order = compare(numbersOf(version), numbersOf(bound));
  switch (operator) {
    case '>=':
      return order >= 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
    default:
      return order === 0;
  }
}

/** A pre-release counts as its release: a profile is about what a program draws. */
function numbersOf(version: string): number[] {
  const [release = ''] = version.split('-');
  return release.split('.').map(Number);
}

function compare(left: readonly number[], right: readonly number[]): number {
  for (let at = 0; at < 3; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
