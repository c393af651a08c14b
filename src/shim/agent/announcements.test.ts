/** What goes out about an agent, on a clock that stands still. */
import { describe, expect, it } from 'vitest';
import type { AgentStatus, AgentUsage } from '../../protocol/agent/index.ts';
import type { SessionEvent } from '../../protocol/session/index.ts';
import { VirtualClock } from '../../runtime/index.ts';
import { Announcements } from './announcements.ts';
import type { AgentDriver, AgentFigures } from './contract.ts';
import { Watchdog } from './watchdog.ts';

const IDLE: AgentStatus = {
  activity: 'idle',
  attention: 'none',
  since: 0,
  summary: 'idle',
  source: 'screen',
  rule: 'prompt',
  confidence: 1,
  tasks: [],
};
const USAGE: AgentUsage = {
  input_tokens: 10,
  cached_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 1,
  reasoning_output_tokens: 0,
  context_limit_tokens: 1_000,
  used_tokens: 11,
  usage_pct: 1,
  model: null,
};

function scene() {
  const clock = new VirtualClock();
  const events: SessionEvent[] = [];
  const figures: AgentFigures = { outputBytes: 5, uptimeSecs: 6, lastOutput: 0, tell() {} };
  const announcements = new Announcements({
    clock,
    figures,
    emit: (event) => events.push(event),
    lastLines: () => 'last',
    launched: { conversation_id: null },
  });
  const show = (status: Partial<AgentStatus>, usage: AgentUsage | null = null): void =>
    announcements.changed({
      status: { ...IDLE, ...status },
      readiness: { ready: true, waits_for: '' },
      usage,
      conversationId: null,
    } as unknown as AgentDriver);
  const named = (name: string): SessionEvent[] => events.filter(({ event }) => event === name);
  return { clock, events, figures, show, named };
}

describe('announcements', () => {
  it('[G12] tell a change of an axis at once, and of the rest at most every second', () => {
    const { clock, show, named } = scene();
    show({});
    show({ activity: 'working' });
    for (let frame = 0; frame < 20; frame++) {
      clock.advance(50);
      show({ activity: 'working', summary: `frame ${frame}` });
    }
    expect(named('AgentChanged')).toHaveLength(3);
    show({ activity: 'idle' });
    expect(named('AgentChanged')).toHaveLength(4);
    clock.advance(10_000);
    expect(named('AgentChanged').length).toBeLessThanOrEqual(5);
    expect(named('AgentReady')).toHaveLength(1);
  });

  it('[G14] tell of a filling context by the agent’s own figures, once a level', () => {
    const { show, named } = scene();
    const at = (usage_pct: number, limit: number | null = 1_000) =>
      show(
        {},
        {
          ...USAGE,
          used_tokens: usage_pct * 10,
          usage_pct: limit === null ? null : usage_pct,
          context_limit_tokens: limit,
        },
      );
    at(99, null);
    expect([...named('ContextWarning'), ...named('ContextApproaching')]).toEqual([]);
    for (const pct of [50, 71, 75, 81, 85, 95, 20, 82]) at(pct);
    expect(named('ContextApproaching')).toEqual([
      { event: 'ContextApproaching', message: '71 % of 1000 tokens are used', input_tokens: 10, output_tokens: 1 },
    ]);
    expect(named('ContextWarning').map((event) => event.event === 'ContextWarning' && event.usage_pct)).toEqual([
      81, 82,
    ]);
    expect(named('ContextWarning')[0]).toMatchObject({ output_bytes: 5, uptime_secs: 6, context_limit_tokens: 1_000 });
    expect(named('UsageChanged')).toHaveLength(9);
  });

  it('[G13] tell an exhausted context once, until it is not', () => {
    const { show, named } = scene();
    for (const attention of ['exhausted', 'exhausted', 'none', 'exhausted'] as const) show({ attention });
    expect(named('ContextExhausted')).toHaveLength(2);
    expect(named('ContextExhausted')[0]).toMatchObject({ last_lines: 'last' });
  });
});

describe('the watchdog', () => {
  const working = { ...IDLE, activity: 'working' } as const;

  function watched() {
    const clock = new VirtualClock();
    const figures = { outputBytes: 0, uptimeSecs: 0, lastOutput: 0, tell() {} };
    const warnings: (number | undefined)[] = [];
    const watchdog = new Watchdog({ clock, figures, readyMs: 1_000, warn: (_message, idle) => warnings.push(idle) });
    return { clock, figures, warnings, watchdog };
  }

  it('[G13] warns once of an agent that does not get ready, and never of one that did', () => {
    const late = watched();
    late.clock.advance(60_000);
    expect(late.warnings).toEqual([undefined]);
    const prompt = watched();
    prompt.watchdog.observe(IDLE, true);
    prompt.clock.advance(60_000);
    expect(prompt.warnings).toEqual([]);
  });

  it('[G13] warns once a turn of work without a sound, with its seconds', () => {
    const { clock, figures, warnings, watchdog } = watched();
    watchdog.observe(working, true);
    clock.advance(60_000);
    figures.lastOutput = clock.monotonic();
    clock.advance(119_000);
    expect(warnings).toEqual([]);
    clock.advance(2_000);
    expect(warnings).toEqual([120]);
    clock.advance(600_000);
    expect(warnings).toEqual([120]);
    watchdog.observe(IDLE, true);
    clock.advance(600_000);
    expect(warnings).toHaveLength(1);
  });
});
