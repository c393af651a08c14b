import { expect, it } from 'vitest';
import type { AgentRecord } from '../client/index.ts';
import { agentRows, byUrgency } from './agent-text.ts';

const NOW = 1_700_000_000_000;

function agent(name: string, status: Partial<AgentRecord['status']>, more: Partial<AgentRecord> = {}): AgentRecord {
  return {
    agent_id: `id-${name}`,
    session_id: `id-${name}`,
    name,
    profile: 'claude',
    mode: 'pty',
    cli_version: null,
    status: {
      activity: 'idle',
      attention: 'none',
      since: NOW - 5_000,
      summary: '',
      source: 'hook',
      rule: 'Stop',
      confidence: 1,
      tasks: [],
      ...status,
    },
    requests: [],
    conversation_id: null,
    usage: null,
    policy: { when: 'never', max_restarts: 5, within_ms: 1, backoff_ms: 1, backoff_max_ms: 1 },
    parked: null,
    restarts: 0,
    queue: { waiting: 0, delivering: null },
    cwd: '/',
    worktree: null,
    sessions: [],
    ...more,
  };
}

it('[X13] lists first who needs a person, and of those who has waited longest', () => {
  const agents = [
    agent('dead', { activity: 'dead', attention: 'permission' }),
    agent('working', { activity: 'working' }),
    agent('unknown', { activity: 'unknown' }),
    agent('idle', {}),
    agent('done', { activity: 'done' }),
    agent('parked', { activity: 'dead' }, { parked: { reason: 'auth', since: 1, until: null } }),
    agent('asks now', { activity: 'working', attention: 'permission', since: NOW }),
    agent('asks long', { attention: 'question', since: NOW - 60_000 }),
  ];
  expect(byUrgency(agents).map(({ name }) => name)).toEqual([
    'asks long',
    'asks now',
    'parked',
    'done',
    'idle',
    'unknown',
    'working',
    'dead',
  ]);
});

it('[X13] shows what is asked rather than the summary, the queue with the message under way, and tasks below', () => {
  const task = { app: 'Bash', activity: 'working' as const, attention: 'none' as const, since: NOW - 2_000 };
  const rows = agentRows(
    agent(
      'coder',
      {
        activity: 'working',
        attention: 'permission',
        summary: 'busy',
        tasks: [
          { ...task, path: 'build', progress: 40, title: 'Build', message: '' },
          { ...task, path: 'build/tests', progress: null, title: '', message: 'a\x1b[2Jb' },
        ],
      },
      {
        mode: 'acp',
        queue: { waiting: 2, delivering: 'M' },
        requests: [
          { request_id: 'r', kind: 'permission', text: 'rm -rf /\nreally?', choices: [], since: 1, source: 's' },
        ],
      },
    ),
    NOW,
  );
  expect(rows).toEqual([
    ['coder', 'claude (acp)', 'working', 'permission', '5s', '3', 'rm -rf / really?'],
    ['└ Build', 'Bash', 'working 40 %', '-', '2s', '', ''],
    ['  └ build/tests', 'Bash', 'working', '-', '2s', '', 'a\\x1b[2Jb'],
  ]);
});
