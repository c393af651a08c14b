/** What a starting srv does about sessions: those of its record, and directories the record does not know (DESIGN §2). */
import { readdirSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import type { CreatedFacts, SessionAgent } from '../domains/sessions/index.ts';
import { sessionDirectory } from '../protocol/home/index.ts';
import type { AgentLaunch, Manifest } from '../protocol/launch/index.ts';
import { isUlid } from '../runtime/index.ts';
import { type Broker, removeSessionFiles } from './broker.ts';
import type { BrokerContext } from './broker-context.ts';
import { readManifest } from './session-files.ts';

/** Sessions looked at side by side. */
const AT_ONCE_COUNT = 32;
/** A session that takes longer to be looked at does not hold up the others' service. */
const PATIENCE_MS = 1_000;

/** Resolves when every live session has been looked at once, or after a second; what is left goes on by itself. */
export async function adoptSessions(broker: Broker, context: BrokerContext): Promise<void> {
  const work = Promise.all([
    findUnrecorded(broker, context),
    adoptAll(
      broker,
      context.observer.live().map(({ id }) => id),
    ),
  ]);
  let cancel = () => {};
  const patience = new Promise<void>((resolve) => {
    cancel = context.clock.after(PATIENCE_MS, resolve);
  });
  await Promise.race([work, patience]);
  cancel();
  work.catch((error: unknown) => context.journal.write('error', `adoption: ${(error as Error).message}`));
}

async function adoptAll(broker: Broker, ids: readonly string[]): Promise<void> {
  const rest = [...ids];
  const workers = Array.from({ length: Math.min(AT_ONCE_COUNT, rest.length) }, async () => {
    for (let id = rest.shift(); id !== undefined; id = rest.shift()) await broker.adopt(id);
  });
  await Promise.all(workers);
}

async function findUnrecorded(broker: Broker, context: BrokerContext): Promise<void> {
  const { paths, observer } = context;
  const found: string[] = [];
  const observed: Promise<void>[] = [];
  for (const name of readdirSync(paths.sessions)) {
    if (name.startsWith('.removed-')) {
      if (!context.readOnly) void removeSessionFiles(context, name.slice('.removed-'.length)); // Handles its own failures.
    } else if (isUlid(name) && observer.session(name) === undefined) {
      if (observer.wasRemoved(name)) {
        if (!context.readOnly) void removeSessionFiles(context, name); // Handles its own failures.
        continue;
      }
      const created = recordFrom(context, name);
      if (created === null) continue;
      context.journal.write('warn', `session ${name} is not in the record; rebuilt from its manifest`);
      observed.push(observer.observe({ cmd: 'observe_found', created }));
      found.push(name);
    }
  }
  await Promise.all(observed);
  await adoptAll(broker, found);
}

function recordFrom(context: BrokerContext, id: string): CreatedFacts | null {
  const directory = sessionDirectory(context.paths, id);
  let manifest: Manifest | null;
  try {
    manifest = readManifest(directory);
  } catch (error) {
    context.journal.write('error', `${directory}: ${(error as Error).message}`);
    return null;
  }
  if (manifest === null) {
    if (!context.readOnly) void removeIfEmpty(directory); // Handles its own failures.
    return null;
  }
  const {
    kind,
    argv,
    command,
    cwd,
    originator,
    created_at_ms,
    rows,
    cols,
    merge_stderr,
    umask,
    limits,
    name = null,
    agent = null,
  } = manifest;
  return {
    session_id: id,
    name,
    kind,
    argv,
    command,
    cwd,
    originator,
    created_at: created_at_ms,
    rows,
    cols,
    merge_stderr,
    umask,
    limits,
    agent: agent === null ? null : sessionAgent(agent),
  };
}

function sessionAgent({ agent_id, profile, mode, conversation_id, resumed }: AgentLaunch): SessionAgent {
  return { agent_id, profile: profile.name, mode, conversation_id, resumed };
}

/** A start that was fenced before anything was written; anything else in it keeps it. */
async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch {
    // Not empty: left for "holdfast doctor" to show.
  }
}

/** Names in `sessions/` that are neither a session of the record nor to be one: for `doctor`. */
export function strayDirectories(context: BrokerContext): string[] {
  return readdirSync(context.paths.sessions).filter(
    (name) => !name.startsWith('.') && context.observer.session(name) === undefined,
  );
}
