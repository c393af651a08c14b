import { expect, it } from 'vitest';
import { eventText } from './event-text.ts';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const line = (fields: Record<string, unknown> & { event: string }): string =>
  eventText({ version: 7, at: AT, session_id: 'ID', ...fields });

it.each([
  [{ event: 'session_created', name: 'build', command: 'make -j8' }, 'build: make -j8'],
  [{ event: 'session_started', pid: 12 }, 'pid 12'],
  [{ event: 'session_exited', exit: { code: 3, signal: null, outcome: 'natural_exit' }, held_by: [] }, 'status 3'],
  [
    {
      event: 'session_exited',
      exit: { code: null, signal: 'SIGKILL', outcome: 'hard_killed' },
      held_by: [{ pid: 9, start_time: 1, command: 'sleep' }],
    },
    'SIGKILL, hard killed, held by 9 (sleep)',
  ],
  [{ event: 'session_driver_changed', driver: null }, 'nobody'],
])('says what matters of %j', (event, expected) => {
  expect(line(event)).toBe(`7  2026-01-02 03:04:05  ${event.event.padEnd(22)}  ID  ${expected}`);
});

it('shows the fields of an event it does not know', () => {
  expect(line({ event: 'session_teleported', to: 'mars' })).toContain('{"to":"mars"}');
});

it('lets no control character of a foreign text through', () => {
  expect(line({ event: 'session_warning', message: 'a\x1b[2Jb' })).toContain('a\\x1b[2Jb');
});
