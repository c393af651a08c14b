import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Activity, Attention, EvidenceSource } from '../protocol/agent/index.ts';
import { createStatusBoard } from './board.ts';
import type { Finding, StatusBoard } from './contract.ts';

const piece = (parts: Partial<Finding>): Finding => ({
  source: 'screen',
  rule: 'r',
  activity: null,
  attention: null,
  confidence: 0.9,
  until: null,
  detail: '',
  ...parts,
});
const hook = (rule: string, activity: Activity | null, attention: Attention | null = null) =>
  piece({ source: 'hook', rule, activity, attention });
const title = (activity: Activity | null, attention: Attention | null = null) =>
  piece({ source: 'osc', rule: 'title.t', activity, attention });
const screen = (activity: Activity | null, attention: Attention | null = null, parts: Partial<Finding> = {}) =>
  piece({ source: 'screen', rule: `screen-${activity}`, activity, attention, ...parts });

const said = (board: StatusBoard, now: number) => {
  const { activity, attention } = board.status(now);
  return `${activity} ${attention}`;
};

describe('createStatusBoard', () => {
  it('knows nothing without evidence', () => {
    const board = createStatusBoard();
    expect(board.status(5)).toEqual({
      activity: 'unknown',
      attention: 'none',
      since: 5,
      summary: 'unknown',
      source: 'none',
      rule: '',
      confidence: 0,
      tasks: [],
    });
    expect(board.nextChange(5)).toBeNull();
    expect(board.explain(5).evidence).toEqual([]);
  });

  it('sums up what the agent does and asks, never what stands in its box', () => {
    const board = createStatusBoard();
    const summary = (finding: Finding) => {
      board.withdraw('screen');
      board.add(finding, 1);
      return board.status(1).summary;
    };
    expect(summary(screen('idle', 'none', { detail: '> hello all' }))).toBe('');
    expect(summary(screen('done', 'none', { detail: '> hello all' }))).toBe('');
    expect(summary(screen('working', 'none', { detail: 'Thinking… (3s)' }))).toBe('Thinking… (3s)');
    expect(summary(screen('idle', 'quota', { detail: 'limit reached' }))).toBe('limit reached');
    const encoded = Buffer.from('read all files').toString('base64');
    expect(board.programStatus(`state=done:app=x:msg=${encoded}`, 2)).toBeNull();
    board.withdraw('screen');
    expect(board.status(2)).toMatchObject({ source: 'psp', activity: 'done', summary: 'read all files' });
  });

  it('believes the most trusted source, and falls through when it is withdrawn', () => {
    const board = createStatusBoard();
    board.add(screen('idle'), 1);
    board.add(title('working'), 1);
    board.add(hook('Stop', 'done', 'none'), 1);
    board.programStatus('state=working', 1);
    board.add(piece({ source: 'protocol', rule: 'turn', activity: 'idle' }), 1);
    board.add(piece({ source: 'process', rule: 'exit', activity: 'dead' }), 1);
    const seen = [said(board, 2)];
    for (const source of ['process', 'protocol', 'psp', 'hook', 'osc', 'screen'] as const) {
      board.withdraw(source);
      if (source === 'protocol') board.programStatus('state=clear', 2);
      seen.push(said(board, 2));
    }
    expect(seen).toEqual([
      'dead none',
      'idle none',
      'done none',
      'done none',
      'working none',
      'idle none',
      'unknown none',
    ]);
  });

  it('lets a lease end by time, and says when', () => {
    const board = createStatusBoard();
    board.add(screen('idle'), 10);
    board.add({ ...hook('Pre', 'working'), until: 100 }, 10);
    expect(said(board, 99)).toBe('working none');
    expect(board.nextChange(99)).toBe(100);
    expect(said(board, 100)).toBe('idle none');
    expect(board.nextChange(100)).toBeNull();
    expect(board.explain(100).evidence.find((one) => one.source === 'hook')?.reason).toBe('lease ended');
  });

  it('does not let an older piece of a source come back when the newer one ended', () => {
    const board = createStatusBoard();
    board.add(hook('Stop', 'done', 'none'), 1);
    board.add({ ...hook('UserPromptSubmit', 'working'), until: 50 }, 10);
    expect(said(board, 60)).toBe('unknown none');
  });

  it('keeps both axes apart: a hook about one leaves what another said about the other', () => {
    const board = createStatusBoard();
    board.add(hook('PreToolUse', 'working', 'none'), 1);
    board.add(hook('Notification', null, 'permission'), 2);
    expect(said(board, 3)).toBe('working permission');
    board.add(hook('PostToolUse', 'working', 'none'), 4);
    expect(said(board, 5)).toBe('working none');
  });

  it('lets a report that comes late say nothing about what was said since', () => {
    const board = createStatusBoard();
    board.add(hook('Stop', 'done', 'none'), 100);
    board.add(hook('PreToolUse', 'working', 'none'), 50);
    expect(said(board, 101)).toBe('done none');
  });

  it('waits until a rule has held, and keeps what it replaces meanwhile', () => {
    const board = createStatusBoard();
    board.add(screen('working'), 1);
    board.add(screen('idle'), 100, 500);
    expect(said(board, 599)).toBe('working none');
    expect(board.nextChange(100)).toBe(600);
    expect(board.explain(200).evidence.at(-1)).toMatchObject({ activity: 'idle', reason: 'settles in 400 ms' });
    expect(said(board, 600)).toBe('idle none');
    expect(board.explain(600).evidence).toHaveLength(1);
  });

  it('begins to wait anew when a rule stopped holding', () => {
    const board = createStatusBoard();
    board.add(screen('working'), 1);
    board.add(screen('idle'), 100, 500);
    board.add(screen('working'), 300);
    board.add(screen('idle'), 400, 500);
    expect(said(board, 899)).toBe('working none');
    expect(said(board, 900)).toBe('idle none');
  });

  it('withdraws what the screen said when it says nothing, after a moment, and leaves it while it is covered', () => {
    const board = createStatusBoard();
    board.screen({ evidence: screen('working'), settleMs: 0, skipped: false }, 1);
    board.screen({ evidence: null, settleMs: 0, skipped: true }, 10);
    expect(said(board, 5_000)).toBe('working none');
    board.screen({ evidence: null, settleMs: 250, skipped: false }, 5_000);
    expect(said(board, 5_249)).toBe('working none');
    expect(said(board, 5_250)).toBe('unknown none');
  });

  it('lets nothing of low confidence decide', () => {
    const board = createStatusBoard();
    board.add(screen('idle', null, { confidence: 0.49 }), 1);
    expect(said(board, 2)).toBe('unknown none');
    expect(board.explain(2).evidence[0]?.reason).toBe('below confidence 0.5');
  });

  it('never leaves an old idle standing when work was seen since', () => {
    const board = createStatusBoard();
    board.add(hook('Stop', 'done'), 1_000);
    board.add(screen('working'), 1_200);
    expect(said(board, 1_200)).toBe('done none');
    board.withdraw('screen');
    board.add(screen('working'), 2_000);
    expect(said(board, 2_000)).toBe('working none');
    expect(board.explain(2_000).evidence.find((one) => one.source === 'hook')?.reason).toBe(
      'overtaken by screen screen-working',
    );
    board.add(hook('Stop', 'done'), 3_000);
    expect(said(board, 3_000)).toBe('done none');
  });

  it('lets a certain idle on the screen end work whose end no hook told, and an uncertain one not', () => {
    const board = createStatusBoard();
    board.add(hook('PreToolUse', 'working', 'none'), 1_000);
    board.add(screen('idle', null, { confidence: 0.8 }), 9_000);
    expect(said(board, 9_000)).toBe('working none');
    board.withdraw('screen');
    board.add(screen('idle', null, { confidence: 0.9 }), 2_900);
    expect(said(board, 2_900)).toBe('working none');
    board.withdraw('screen');
    board.add(screen('idle', null, { confidence: 0.9 }), 3_001);
    expect(said(board, 3_001)).toBe('idle none');
  });

  it('keeps what OSC 7501 and a protocol say against any screen', () => {
    const board = createStatusBoard();
    board.programStatus('state=idle', 1);
    board.add(screen('working'), 5_000);
    expect(said(board, 5_000)).toBe('idle none');
    board.programStatus('state=working', 6_000);
    board.add(screen('idle', null, { confidence: 1 }), 60_000);
    expect(said(board, 60_000)).toBe('working none');
  });

  it('does not call idle who asks something, whatever the title still says', () => {
    const board = createStatusBoard();
    board.add(title('idle'), 1);
    board.add(screen('working', 'permission'), 2);
    expect(said(board, 3)).toBe('working permission');
    expect(board.explain(3).evidence.find((one) => one.source === 'osc')?.reason).toMatch(/request is open/);
  });

  it('takes a dialog that came up after a trusted source said that nobody is needed', () => {
    const board = createStatusBoard();
    board.programStatus('state=working', 1_000);
    board.add(screen('working', 'question'), 1_500);
    expect(said(board, 1_500)).toBe('working question');
    board.programStatus('state=working:msg=b2s=', 2_000);
    expect(said(board, 2_000)).toBe('working none');
  });

  it('doubts what hooks and titles said of a person once somebody typed', () => {
    const board = createStatusBoard();
    board.add(hook('Notification', 'working', 'permission'), 1);
    board.input(5);
    expect(said(board, 6)).toBe('working none');
    expect(board.explain(6).evidence[0]).toMatchObject({ decided: ['activity'], reason: '' });
    board.add(hook('Notification', 'working', 'permission'), 7);
    expect(said(board, 8)).toBe('working permission');
    board.add(screen('working', 'permission'), 9);
    board.input(10);
    expect(said(board, 10)).toBe('working permission');
  });

  it('doubts work told by hooks once it was interrupted', () => {
    const board = createStatusBoard();
    board.add(hook('UserPromptSubmit', 'working', 'none'), 1);
    board.add(screen('idle', null, { confidence: 0.6 }), 2);
    board.interrupted(3);
    expect(said(board, 4)).toBe('idle none');
    board.add(hook('UserPromptSubmit', 'working', 'none'), 5);
    expect(said(board, 6)).toBe('working none');
  });

  it('needs nobody once the process is gone', () => {
    const board = createStatusBoard();
    board.add(screen(null, 'permission'), 1);
    board.add(piece({ source: 'process', rule: 'exit', activity: 'dead', attention: 'none' }), 2);
    expect(said(board, 3)).toBe('dead none');
  });

  it('believes least that a process was started', () => {
    const board = createStatusBoard();
    board.add(piece({ source: 'process', rule: 'start', activity: 'starting' }), 1);
    expect(said(board, 2)).toBe('starting none');
    board.add(screen('idle'), 3);
    expect(said(board, 4)).toBe('idle none');
  });

  it('says since when a status holds, over changes of its evidence', () => {
    const board = createStatusBoard();
    board.add(screen('working'), 10);
    expect(board.status(10).since).toBe(10);
    board.add(hook('PreToolUse', 'working'), 20);
    expect(board.status(20).since).toBe(10);
    board.add(hook('Stop', 'done'), 400);
    expect(board.status(400).since).toBe(400);
    expect(board.explain(400).evidence.find((one) => one.source === 'screen')).toMatchObject({ since: 10, seen: 10 });
  });

  it('keeps its pieces few, whatever is added', () => {
    const board = createStatusBoard();
    for (let at = 0; at < 1_000; at++) {
      board.add(piece({ source: 'osc', rule: `family${at}.x`, activity: 'working' }), at);
      board.add(hook(`h${at}`, null, 'quota'), at);
    }
    expect(board.explain(1_000).evidence.length).toBeLessThan(70);
  });
});

/** What a board does, as simply as it can be said; without confidence, settling and what overtakes what. */
class Model {
  readonly #said = new Map<string, { source: EvidenceSource; value: string; until: number | null; at: number }>();

  add(finding: Finding, now: number): void {
    const channel = finding.source === 'osc' ? `osc ${finding.rule.split('.')[0]}` : finding.source;
    for (const axis of ['activity', 'attention'] as const) {
      const value = finding[axis];
      const key = `${channel} ${axis}`;
      if (value !== null) this.#said.set(key, { source: finding.source, value, until: finding.until, at: now });
      else if (finding.source === 'osc' || finding.source === 'screen') this.#said.delete(key);
    }
  }

  withdraw(source: EvidenceSource): void {
    for (const [key, one] of this.#said) if (one.source === source) this.#said.delete(key);
  }

  status(now: number): string {
    return `${this.#best('activity', now) ?? 'unknown'} ${this.#best('attention', now) ?? 'none'}`;
  }

  #best(axis: string, now: number): string | undefined {
    const live = [...this.#said].filter(([key, one]) => key.endsWith(` ${axis}`) && (one.until ?? Infinity) > now);
    // What a person is needed for, a screen knows better than a title.
    const least = axis === 'activity' ? ['osc', 'screen'] : ['screen', 'osc'];
    for (const source of ['protocol', 'hook', ...least]) {
      const own = live.map(([, one]) => one).filter((one) => one.source === source);
      if (own.length > 0) return own.sort((a, b) => b.at - a.at)[0]!.value;
    }
    return undefined;
  }
}

const finding = fc.record({
  source: fc.constantFrom<EvidenceSource>('protocol', 'hook', 'osc', 'screen'),
  rule: fc.constantFrom('title.a', 'title.b', 'progress', 'mark.C'),
  activity: fc.option(fc.constantFrom<Activity>('working', 'error', 'starting')),
  attention: fc.option(fc.constantFrom<Attention>('quota', 'exhausted')),
  // Below what overtakes a more trusted piece.
  confidence: fc.constant(0.6),
  until: fc.option(fc.integer({ min: 1, max: 400 })),
  detail: fc.string(),
});
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ add: finding, after: fc.integer({ min: 1, max: 20 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      withdraw: fc.constantFrom<EvidenceSource>('protocol', 'hook', 'osc', 'screen'),
      after: fc.integer({ min: 1, max: 20 }),
    }),
  },
);

describe('a board under random evidence', () => {
  it('agrees with the model at every moment', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const board = createStatusBoard();
        const model = new Model();
        let now = 1;
        for (const one of steps) {
          now += one.after;
          if ('add' in one) {
            const shifted = { ...one.add, until: one.add.until === null ? null : now + one.add.until };
            // What says nothing is nothing: a caller withdraws instead.
            if (shifted.activity === null && shifted.attention === null) continue;
            board.add(shifted, now);
            model.add(shifted, now);
          } else {
            board.withdraw(one.withdraw);
            model.withdraw(one.withdraw);
          }
          for (const later of [0, 7, 130, 1_000]) expect(said(board, now + later)).toBe(model.status(now + later));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('changes by time alone only when it said it would', () => {
    const settling = fc.record({
      add: finding,
      settle: fc.constantFrom(0, 0, 5, 50),
      after: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(settling, { maxLength: 30 }), (steps) => {
        const board = createStatusBoard();
        let now = 1;
        for (const { add, settle, after } of steps) {
          const end = now + after;
          for (;;) {
            const before = said(board, now);
            const next = board.nextChange(now);
            const until = Math.min(next ?? Infinity, end + 1);
            expect(said(board, Math.max(now, until - 1))).toBe(before);
            if (next === null || next > end) break;
            expect(next).toBeGreaterThan(now);
            now = next;
          }
          now = end;
          board.add({ ...add, until: add.until === null ? null : now + add.until }, now, settle);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('explains every piece: it decided, or there is a reason', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(finding, fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 30 }),
        (findings) => {
          const board = createStatusBoard();
          for (const [at, [one, confidence]] of findings.entries()) board.add({ ...one, confidence }, at * 100);
          const { evidence, status } = board.explain(findings.length * 100);
          for (const one of evidence) {
            const speaks = one.activity !== null || one.attention !== null;
            expect(one.decided.length > 0 ? one.reason : one.reason !== '' || !speaks).toBe(
              one.decided.length > 0 ? '' : true,
            );
          }
          expect(evidence.filter((one) => one.decided.includes('activity')).length).toBe(
            status.source === 'none' ? 0 : 1,
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});
