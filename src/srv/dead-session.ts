/** A session whose shim is gone: its end is told from its log, and what is left of its tree is ended. */
import { join } from 'node:path';
import type { Session, StartFacts } from '../domains/sessions/index.ts';
import { ProcessTree } from '../process/index.ts';
import { type HomePaths, sessionDirectory } from '../protocol/home/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import { type Claim, LOG_DIRECTORY } from '../protocol/launch/index.ts';
import { type HolderFact, STDERR, STDOUT, type StreamId } from '../protocol/session/index.ts';
import { noFaults } from '../runtime/index.ts';
import { type ClosedFacts, type ClosedLogOptions, readClosedFacts, sealLog } from '../session/index.ts';
import type { BrokerContext } from './broker-context.ts';
import { readManifest } from './session-files.ts';

type Death = 'shim_lost' | 'reboot';

/** Observes the start (if nobody saw it), the exit and the end. `claim` is null when it cannot be read. */
export async function closeDead(context: BrokerContext, id: string, claim: Claim | null, death: Death): Promise<void> {
  const { observer, readOnly, paths } = context;
  const session = observer.session(id);
  if (session === undefined) return;
  const started = session.started ?? startFrom(context, id, claim);
  const log = closedLogOf(paths, session);
  const facts = readClosedFacts(log);
  if (started !== null) await observer.observe({ cmd: 'observe_started', session_id: id, ...started });
  if (await tellEnd(context, id, facts)) return;
  // Pids of an earlier boot name other processes now.
  const survivors = death === 'reboot' || readOnly ? [] : await endTree(context, id, started);
  if (started === null) {
    await observer.observe({
      cmd: 'observe_start_failed',
      session_id: id,
      error: diedAtStart(death).toWire(),
      exit_status: 125,
    });
    return;
  }
  if (!readOnly) seal(context, id, { ...log, lost: death, survivors });
  await tellLoss(context, id, facts, death, survivors);
}

/** False when the log holds no end. */
export async function tellEnd(context: BrokerContext, id: string, facts: ClosedFacts): Promise<boolean> {
  const { end, exit } = facts;
  if (end === null) return false;
  await context.observer.observe({
    cmd: 'observe_ended',
    session_id: id,
    cause: end.cause,
    exit,
    survivors: end.survivors,
  });
  return true;
}

export function closedLogOf(paths: HomePaths, session: Session): Pick<ClosedLogOptions, 'directory' | 'streams'> {
  return { directory: join(sessionDirectory(paths, session.id), LOG_DIRECTORY), streams: outputStreams(session) };
}

function outputStreams(session: Session): StreamId[] {
  return session.kind === 'pty' || session.merge_stderr ? [STDOUT] : [STDOUT, STDERR];
}

function startFrom(context: BrokerContext, id: string, claim: Claim | null): StartFacts | null {
  const manifest = readManifest(sessionDirectory(context.paths, id));
  if (manifest === null || manifest.child === null) return null;
  return { ...manifest.child, shim_pid: claim?.pid ?? 0, shim_start_time: claim?.start_time ?? 0 };
}

async function endTree(context: BrokerContext, id: string, started: StartFacts | null): Promise<HolderFact[]> {
  // Without a known child its environment mark still finds the tree. No process has pid 0.
  const child = started === null ? { pid: 0, start_time: 0 } : { pid: started.pid, start_time: started.start_time };
  const tree = new ProcessTree({ child, mark: id, clock: context.clock, faults: noFaults });
  try {
    return await tree.terminate(0);
  } catch (error) {
    context.journal.write(
      'error',
      `session ${id}: what is left of its tree was not ended: ${(error as Error).message}`,
    );
    return tree.members();
  }
}

function seal(context: BrokerContext, id: string, log: ClosedLogOptions): void {
  try {
    sealLog({ ...log, clock: context.clock });
  } catch (error) {
    // The record says it all the same; only the log's own last entry is missing.
    context.journal.write('error', `session ${id}: its log was not sealed: ${(error as Error).message}`);
  }
}

async function tellLoss(
  context: BrokerContext,
  id: string,
  facts: ClosedFacts,
  death: Death,
  survivors: HolderFact[],
): Promise<void> {
  const { observer } = context;
  if (facts.exit !== null)
    await observer.observe({ cmd: 'observe_exited', session_id: id, exit: facts.exit, held_by: [] });
  await observer.observe({ cmd: 'observe_lost', session_id: id, cause: death, survivors });
}

function diedAtStart(death: Death): HoldfastError {
  const message =
    death === 'reboot'
      ? 'the machine was restarted before the session had started'
      : 'the shim ended before the session had started; see logs/shim.log';
  return new HoldfastError('start_failed', message, { retryable: true });
}
