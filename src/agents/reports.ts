/** What a hook's report means, by the profile's mapping. */
import { RESPONSE_BYTES, REQUEST_TEXT_BYTES } from '../protocol/limits.ts';
import type { AgentReport, HookRule } from '../protocol/agent/index.ts';
import type { ReportReading } from './contract.ts';
import { compilePattern, LINE_CHARACTERS } from './patterns.ts';
import { cut, oneLine } from './text.ts';

const ID_CHARACTERS = 256;
const PATH_CHARACTERS = 4096;
/** Lines of a field that a pattern is tried on. */
const LINES_COUNT = 100;
/** A vendor's hook says what its program does, not what a screen looks like. */
const HOOK_CONFIDENCE = 0.95;

const NOTHING: ReportReading = {
  evidence: null,
  turn: null,
  response: null,
  conversationId: null,
  transcriptPath: null,
  text: null,
  usage: null,
};

export function readReport(rules: readonly HookRule[], report: AgentReport): ReportReading {
  const rule = rules.find((candidate) => applies(candidate, report));
  if (rule === undefined) return NOTHING;
  const field = (path: string | undefined) => (path === undefined ? null : stringAt(report.payload, path));
  const text = field(rule.text);
  return {
    evidence:
      rule.activity === null && rule.attention === null
        ? null
        : {
            source: 'hook',
            rule: ruleIdOf(rule),
            activity: rule.activity,
            attention: rule.attention,
            confidence: HOOK_CONFIDENCE,
            until: rule.lease_ms === null ? null : report.at + rule.lease_ms,
            detail: oneLine(text === null ? report.name : `${report.name}: ${text}`),
          },
    turn: rule.turn ?? null,
    response: cutOrNull(field(rule.response), RESPONSE_BYTES),
    conversationId: identifier(field(rule.conversation), ID_CHARACTERS),
    transcriptPath: identifier(field(rule.transcript), PATH_CHARACTERS),
    text: cutOrNull(text, REQUEST_TEXT_BYTES),
    usage: rule.usage === undefined ? null : valueAt(report.payload, rule.usage),
  };
}

function applies(rule: HookRule, report: AgentReport): boolean {
  if (rule.event !== report.name) return false;
  const matching = Object.entries(rule.matching ?? {});
  return (
    Object.entries(rule.when ?? {}).every(([path, value]) => stringAt(report.payload, path) === value) &&
    matching.every(([path, pattern]) => isAnyLine(compilePattern(pattern), stringAt(report.payload, path) ?? ''))
  );
}

function isAnyLine(pattern: RegExp, text: string): boolean {
  return text.split('\n', LINES_COUNT).some((line) => pattern.test(cut(line, LINE_CHARACTERS)));
}

/** The event, and the values it depends on: `Notification.permission_prompt`. */
function ruleIdOf(rule: HookRule): string {
  return [rule.event, ...Object.values(rule.when ?? {})].join('.');
}

/** What is at a dotted path; null: nothing. */
function valueAt(payload: Record<string, unknown>, path: string): unknown {
  let value: unknown = payload;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return null;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** The same, when it is a string, number or boolean. */
function stringAt(payload: Record<string, unknown>, path: string): string | null {
  const value = valueAt(payload, path);
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

function cutOrNull(text: string | null, maximum: number): string | null {
  return text === null ? null : cut(text, maximum);
}

/** Null when it is empty, too long or holds a control: such an id or path is not used. */
function identifier(text: string | null, maximum: number): string | null {
  return text === null || text === '' || text.length > maximum || /[\u0000-\u001f\u007f]/.test(text) ? null : text;
}
