/** Profiles from outside: their shape, and that their patterns are bounded. */
import { agentProfileSchema } from '../protocol/agent/schemas.ts';
import type { AgentProfile, Match, Region } from '../protocol/agent/index.ts';
import { invalid } from '../protocol/errors.ts';
import { checkPattern } from './patterns.ts';

/**
 * The profile `value` is, whole, with its defaults. Throws `invalid_argument` whose field is `field` and the path below
 * it: a wrong type, an unknown key, an id that is there twice, a pattern that is none or whose cost is not bounded.
 */
export function checkProfile(value: unknown, field: string): AgentProfile {
  const parsed = agentProfileSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const path = pathOf(field, issue.path, issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined);
    throw invalid(path, `${path}: ${issue.message}`);
  }
  // The schema agrees with the type but for `undefined` in place of a missing key, which JSON does not have.
  const profile = structuredClone(parsed.data) as AgentProfile;
  for (const [path, pattern] of patternsOf(profile)) checkPattern(pattern, `${field}.${path}`);
  checkIds(profile.rules, `${field}.rules`);
  checkIds(profile.dialogs, `${field}.dialogs`);
  checkIds(profile.titles, `${field}.titles`);
  checkPlaceholders(profile, field);
  return profile;
}

function pathOf(field: string, path: readonly PropertyKey[], key: string | undefined): string {
  return [field, ...path.map(String), ...(key === undefined ? [] : [key])].join('.');
}

function* patternsOf(profile: AgentProfile): Generator<[path: string, pattern: string]> {
  const { box, collapsed, special, completes, chrome, answer_mark, stopped_mark } = profile.input;
  if (box !== null) {
    yield* ofRegion('input.box.region', box.region);
    yield ['input.box.prompt', box.prompt];
    if (box.continuation !== null) yield ['input.box.continuation', box.continuation];
    if (box.end !== undefined) yield ['input.box.end', box.end];
    yield* ofList('input.box.placeholders', box.placeholders);
  }
  if (collapsed !== null) yield ['input.collapsed.pattern', collapsed.pattern];
  if (special !== undefined && special !== null) yield ['input.special.pattern', special.pattern];
  if (completes !== undefined) yield ['input.completes.pattern', completes.pattern];
  yield* ofList('input.chrome', chrome ?? []);
  if (answer_mark !== undefined) yield ['input.answer_mark', answer_mark];
  if (stopped_mark !== undefined) yield ['input.stopped_mark', stopped_mark];
  for (const [at, dialog] of profile.dialogs.entries()) {
    yield* ofRegion(`dialogs.${at}.region`, dialog.region);
    yield* ofMatch(`dialogs.${at}.match`, dialog.match);
    yield* ofList(`dialogs.${at}.noise`, dialog.noise);
    if (dialog.begin !== undefined) yield [`dialogs.${at}.begin`, dialog.begin];
    if (dialog.choice === null) continue;
    yield [`dialogs.${at}.choice`, dialog.choice];
    for (const [index, { label }] of dialog.choices.entries()) yield [`dialogs.${at}.choices.${index}.label`, label];
  }
  for (const [at, rule] of profile.rules.entries()) {
    yield* ofRegion(`rules.${at}.region`, rule.region);
    yield* ofMatch(`rules.${at}.match`, rule.match);
  }
  for (const [at, title] of profile.titles.entries()) yield [`titles.${at}.pattern`, title.pattern];
  for (const [at, hook] of profile.hooks.events.entries()) {
    for (const [name, pattern] of Object.entries(hook.matching ?? {}))
      yield [`hooks.events.${at}.matching.${name}`, pattern];
  }
}

function* ofRegion(path: string, region: Region): Generator<[string, string]> {
  if (region.mark !== undefined) yield [`${path}.mark`, region.mark];
}

function* ofMatch(path: string, match: Match): Generator<[string, string]> {
  yield* ofList(`${path}.all`, match.all ?? []);
  yield* ofList(`${path}.any`, match.any ?? []);
  yield* ofList(`${path}.none`, match.none ?? []);
}

function* ofList(path: string, patterns: readonly string[]): Generator<[string, string]> {
  for (const [at, pattern] of patterns.entries()) yield [`${path}.${at}`, pattern];
}

function checkIds(entries: readonly { id: string }[], field: string): void {
  const known = new Set<string>();
  for (const [at, { id }] of entries.entries()) {
    if (known.has(id)) throw invalid(`${field}.${at}.id`, `${field}.${at}.id: "${id}" is there twice`);
    known.add(id);
  }
}

/** Who resumes a conversation has to name it. */
function checkPlaceholders(profile: AgentProfile, field: string): void {
  const { resume, argv, conversation } = profile.launch;
  const names = (words: readonly string[]) => words.some((word) => word.includes('{conversation}'));
  if (resume !== null && !names(resume)) {
    throw invalid(`${field}.launch.resume`, `${field}.launch.resume: names no {conversation}`);
  }
  if (conversation.from === 'argv' && !names(argv)) {
    throw invalid(
      `${field}.launch.argv`,
      `${field}.launch.argv: names no {conversation}, which launch.conversation says it does`,
    );
  }
}
