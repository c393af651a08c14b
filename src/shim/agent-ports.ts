/** What a session lends its agent: the agent's code knows the session by nothing else. */
import { STDOUT } from '../protocol/session/index.ts';
import type { Faults, Ids } from '../runtime/index.ts';
import type { Agent } from './agent/index.ts';
import { lastLines } from './last-lines.ts';
import type { Session } from './session.ts';

/** Loads the agent's code where the session has one. Throws what the start is refused with. */
export async function loadAgent(
  session: Session,
  { ids, faults }: { ids: Ids; faults: Faults },
): Promise<Agent | null> {
  const { spec, clock, activity } = session;
  const agent = spec.agent ?? null;
  if (agent === null) return null;
  const { Agent } = await import('./agent/index.ts');
  return Agent.create({
    spec: { ...spec, agent },
    clock,
    ids,
    faults,
    figures: activity,
    emit: (event) => session.broadcast(event),
    write: (bytes) => write(session, bytes),
    hold: (on) => session.input.hold(on),
    lastLines: (count) => linesOf(session, count),
    screen: () => session.screen.mirror(),
    warn: (message, idleSecs) => session.broadcast({ event: 'Warning', message, idle_secs: idleSecs ?? null }),
  });
}

function write(session: Session, bytes: Buffer): Promise<'written' | 'closed'> {
  if (session.ending.state !== 'running' || session.input.isClosed) return Promise.resolve('closed');
  return new Promise((resolve) => {
    session.input.push({
      bytes,
      isCurrent: () => true,
      settled: (outcome) => {
        if (outcome === 'written') session.tees.stdin.append(bytes);
        resolve(outcome === 'written' ? 'written' : 'closed');
      },
    });
  });
}

/** As a person sees them; a program that draws its screen leaves no lines in the log. */
function linesOf(session: Session, count: number): string {
  const drawn = session.screen.drawn?.text(undefined).content;
  if (drawn === undefined) return lastLines(session.log, STDOUT, count);
  const lines = drawn.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-count).join('\n');
}
