/** A profile made ready for use: its patterns compiled, its rules in their order. */
import type { Activity, AgentProfile, AgentReport, Attention, Evidence, ScreenRule } from '../protocol/agent/index.ts';
import { type FindBox, compileBox, isEchoed } from './box.ts';
import type {
  Finding,
  FoundDialog,
  ProfileReader,
  ReportReading,
  ScreenReading,
  ScreenView,
  Signal,
} from './contract.ts';
import { DialogReader } from './dialogs.ts';
import { compilePattern } from './patterns.ts';
import {
  type CheckLines,
  compileMatch,
  compileRegion,
  compileWitness,
  type FindLines,
  type Line,
  OutOfTime,
  Screen,
} from './regions.ts';
import { readReport } from './reports.ts';
import { oneLine } from './text.ts';

/** A screen that says nothing more must do so for this long: programs clear lines before they draw them anew. */
const NOTHING_SETTLE_MS = 250;
/** A dialog counts when it was not only drawn by the way. */
const DIALOG_SETTLE_MS = 100;
const DIALOG_CONFIDENCE = 0.9;

type ScreenEvidence = NonNullable<ScreenReading['evidence']>;

interface CompiledRule {
  rule: ScreenRule;
  region: FindLines;
  check: CheckLines;
  witness(screen: Screen, lines: readonly Line[]): string;
}

export function compileProfile(profile: AgentProfile): ProfileReader {
  return new CompiledProfile(profile);
}

class CompiledProfile implements ProfileReader {
  readonly profile: AgentProfile;
  readonly #rules: CompiledRule[];
  readonly #dialogs: DialogReader[];
  readonly #titles: { pattern: RegExp; rule: AgentProfile['titles'][number] }[];
  readonly #box: FindBox;

  constructor(profile: AgentProfile) {
    this.profile = profile;
    this.#rules = profile.rules
      .map((rule) => ({
        rule,
        region: compileRegion(rule.region),
        check: compileMatch(rule.match),
        witness: compileWitness(rule.match),
      }))
      .sort((a, b) => b.rule.priority - a.rule.priority);
    this.#dialogs = profile.dialogs.map((rule) => new DialogReader(rule));
    this.#titles = profile.titles.map((rule) => ({ pattern: compilePattern(rule.pattern), rule }));
    this.#box = compileBox(profile.input);
  }

  screen(view: ScreenView, isLate?: () => boolean): ScreenReading {
    const tried: ScreenReading['tried'] = [];
    try {
      return this.#read(new Screen(view, isLate), tried);
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
      // What was found so far may be what another rule would have overruled.
      tried.push({ id: 'time', matched: false, reason: error.message });
      return { evidence: null, settleMs: 0, dialog: null, box: null, skipped: false, tried };
    }
  }

  #read(screen: Screen, tried: ScreenReading['tried']): ScreenReading {
    const ruled = this.#firstRule(screen, tried);
    if (ruled?.rule.skip === true) {
      return { evidence: null, settleMs: 0, dialog: null, box: null, skipped: true, tried };
    }
    const found = this.#box(screen);
    const dialog = this.#firstDialog(screen, tried, found?.row ?? null);
    // A dialog stands in the box's place, and its marked choice looks like one.
    const box = dialog === null ? found : null;
    const asks = dialog === null || isNeed(ruled?.rule) ? null : dialogEvidence(dialog, ruled?.rule);
    const evidence = asks ?? ruled?.evidence ?? null;
    const settleMs = dialog !== null ? DIALOG_SETTLE_MS : (ruled?.rule.settle_ms ?? NOTHING_SETTLE_MS);
    return { evidence, settleMs, dialog, box, skipped: false, tried };
  }

  title(title: string): Omit<Evidence, 'since' | 'seen' | 'until'> | null {
    const found = this.#titles.find(({ pattern }) => pattern.test(title))?.rule;
    if (found === undefined || (found.activity === null && found.attention === null)) return null;
    const { activity, attention, confidence } = found;
    return { source: 'osc', rule: `title.${found.id}`, activity, attention, confidence, detail: oneLine(title) };
  }

  terminal(signal: Signal): Finding | null | undefined {
    if (signal.signal === 'progress' && this.profile.progress) return progressFinding(signal.state, signal.percent);
    if (signal.signal === 'mark' && this.profile.prompt_marks) return markFinding(signal.mark);
    return undefined;
  }

  report(report: AgentReport): ReportReading {
    return readReport(this.profile.hooks.events, report);
  }

  echoed(reading: ScreenReading, body: string): boolean {
    return isEchoed(reading.box, body);
  }

  #firstRule(screen: Screen, tried: ScreenReading['tried']): { rule: ScreenRule; evidence: ScreenEvidence } | null {
    for (const { rule, region, check, witness } of this.#rules) {
      const lines = region(screen);
      const reason = lines.length === 0 ? 'its region is empty' : check(screen, lines);
      tried.push({ id: rule.id, matched: reason === null, reason: reason ?? '' });
      if (reason !== null) continue;
      const { id, activity, attention, confidence } = rule;
      const detail = oneLine(witness(screen, lines));
      return { rule, evidence: { source: 'screen', rule: id, activity, attention, confidence, detail } };
    }
    return null;
  }

  #firstDialog(screen: Screen, tried: ScreenReading['tried'], box: number | null): FoundDialog | null {
    for (const reader of this.#dialogs) {
      const found = reader.read(screen, box);
      const isFound = typeof found !== 'string';
      tried.push({ id: `dialog.${reader.rule.id}`, matched: isFound, reason: isFound ? '' : found });
      if (isFound) return found;
    }
    return null;
  }
}

/** A rule that says what a person is needed for knows more than the form of its dialog. */
function isNeed(rule: ScreenRule | undefined): boolean {
  return rule !== undefined && rule.attention !== null && rule.attention !== 'none';
}

/** A dialog asks a person; what the program does meanwhile is never `idle`. */
function dialogEvidence(dialog: FoundDialog, rule: ScreenRule | undefined): ScreenEvidence {
  const attention: Attention = dialog.kind === 'trust' ? 'permission' : dialog.kind;
  const activities: Record<FoundDialog['kind'], Activity> = {
    trust: 'starting',
    auth: 'starting',
    permission: 'working',
    question: 'working',
  };
  const isBusy = rule?.activity === 'working' || rule?.activity === 'starting';
  return {
    source: 'screen',
    rule: `dialog.${dialog.rule}`,
    activity: isBusy ? rule.activity : activities[dialog.kind],
    attention,
    confidence: DIALOG_CONFIDENCE,
    detail: oneLine(dialog.text),
  };
}

/** A progress bar that is gone says that this work is over, not that the program waits for more: it only withdraws. */
function progressFinding(state: number, percent: number | null): Finding | null {
  if (state !== 1 && state !== 3) return null;
  return {
    source: 'osc',
    rule: 'progress',
    activity: 'working',
    attention: null,
    confidence: 0.9,
    until: null,
    detail: percent === null ? 'progress' : `progress ${percent} %`,
  };
}

/** Between the end of a command and the next prompt nothing is known. */
function markFinding(mark: 'A' | 'B' | 'C' | 'D'): Finding | null {
  if (mark === 'D') return null;
  return {
    source: 'osc',
    rule: `mark.${mark}`,
    activity: mark === 'C' ? 'working' : 'idle',
    attention: 'none',
    confidence: 0.95,
    until: null,
    detail: mark === 'C' ? 'a command runs' : 'at the prompt',
  };
}
