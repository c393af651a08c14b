// One driver of a conversation and of a working directory at a time.
import { beforeEach, describe, expect, it } from 'vitest';
import { ENDED, FACTS, Runtime } from './fixtures/runtime.ts';
import type { SrvInput } from './index.ts';

let srv: Runtime;
beforeEach(() => {
  srv = new Runtime();
});

const create = (name: string, agent: Record<string, unknown> = {}, cwd = '/repo'): SrvInput => ({
  cmd: 'create_session',
  cwd,
  env: [],
  name,
  agent: { profile: 'toy', ...agent },
});

function start(name: string, agent: Record<string, unknown> = {}, cwd = '/repo'): string {
  srv.execute(create(name, agent, cwd));
  const { id } = srv.result['session'] as { id: string };
  srv.execute({ cmd: 'observe_started', session_id: id, ...FACTS });
  return id;
}

const over = (id: string): SrvInput => ({ cmd: 'observe_ended', session_id: id, ...ENDED });
const again = (id: string): SrvInput => ({
  cmd: 'replace_agent',
  agent_id: id,
  previous_session_id: id,
  start: { profile: 'toy', mode: 'pty' },
  resume: true,
  automatic: false,
});

describe('a working directory', () => {
  it('[V5] has one agent, until that is over', () => {
    const first = start('one');
    expect(srv.refusal(create('two'))).toBe('conflict cwd');
    srv.execute(over(first));
    expect(srv.refusal(create('two'))).toBe('accepted');
  });

  it('[V5] may have several when the later one says so, or has a worktree or another directory', () => {
    start('one');
    expect(srv.refusal(create('two', { share_directory: true }))).toBe('accepted');
    expect(srv.refusal(create('three', { worktree: true }))).toBe('accepted');
    expect(srv.refusal(create('four', {}, '/elsewhere'))).toBe('accepted');
  });

  it('[V5] is not taken back by an agent that is resumed while another works in it', () => {
    const first = start('one');
    srv.execute(over(first));
    const second = start('two');
    expect(srv.refusal(again(first))).toBe('conflict cwd');
    srv.execute(over(second));
    expect(srv.refusal(again(first))).toBe('accepted');
  });

  it('[V5] an agent that shares it may be resumed beside the others', () => {
    const first = start('one', { share_directory: true });
    srv.execute(over(first));
    start('two');
    expect(srv.refusal(again(first))).toBe('accepted');
  });
});

describe('a conversation', () => {
  it('[V5] has one agent, wherever that works', () => {
    const first = start('one', { conversation: 'c1' });
    expect(srv.refusal(create('two', { conversation: 'c1', share_directory: true }, '/b'))).toBe(
      'conflict agent.conversation',
    );
    expect(srv.refusal(create('three', { conversation: 'c2' }, '/c'))).toBe('accepted');
    srv.execute(over(first));
    expect(srv.refusal(create('two', { conversation: 'c1' }, '/b'))).toBe('accepted');
    expect(srv.refusal(again(first))).toBe('conflict agent.conversation');
  });
});
