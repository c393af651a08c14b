import { expect, it } from 'vitest';
import type { Explanation } from '../client/index.ts';
import { explanationLines } from './explanation.ts';

const NOW = 1_700_000_000_000;

it('[X18] shows each piece of evidence with its lease and why it won or lost', () => {
  const piece = { since: NOW - 90_000, seen: NOW - 3_000, confidence: 0.9, decided: [], detail: '' };
  const explanation: Explanation = {
    status: {
      activity: 'working',
      attention: 'permission',
      since: NOW - 12_000,
      summary: 'wants to run touch',
      source: 'hook',
      rule: 'PreToolUse',
      confidence: 0.9,
      tasks: [],
    },
    profile: { name: 'claude', revision: 3, cli: '2.1.4' },
    evidence: [
      {
        ...piece,
        source: 'hook',
        rule: 'PreToolUse',
        activity: 'working',
        attention: null,
        until: NOW + 60_000,
        decided: ['activity'],
        reason: '',
      },
      {
        ...piece,
        source: 'osc',
        rule: 'title.idle',
        activity: 'idle',
        attention: 'none',
        until: NOW - 5_000,
        reason: 'lease ended',
        detail: '\x1b]0;x',
      },
    ],
    rules: [{ id: 'claude.ready', matched: false, reason: 'none of any' }],
    cost: { evaluations: 7, total_ms: 3.25, slowest_ms: 1 },
  };
  const text = explanationLines(explanation, 'coder', NOW).join('\n');
  expect(text).toBe(
    [
      'coder: working, needs a person: permission, for 12s (hook PreToolUse, confidence 0.90); wants to run touch',
      'profile claude revision 3, CLI 2.1.4',
      '',
      'SOURCE  RULE        SAYS     AGE  SEEN  LEASE         CONFIDENCE  VERDICT           DETAIL',
      'hook    PreToolUse  working  1m   3s    1m left       0.90        decides activity  ',
      'osc     title.idle  idle     1m   3s    ended 5s ago  0.90        lease ended       \\x1b]0;x',
      '',
      'SCREEN    RULE          WHY',
      'no match  claude.ready  none of any',
      '',
      'rules ran 7 times, 3.3 ms in all, 1.0 ms at most',
    ].join('\n'),
  );
});
