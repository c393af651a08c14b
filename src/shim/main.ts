/** A shim: one process, one session, from its launch line to its `end` record. Joins the parts; has no logic of its own. */
import { setFlagsFromString } from 'node:v8';
import { type Claim, type LaunchReport, type LaunchSpec } from '../protocol/launch/index.ts';
import { HoldfastError } from '../protocol/errors.ts';
import { REPORT_FD } from '../protocol/home/index.ts';
import {
  becomeSubreaper,
  bootId,
  type Containment,
  type LibC,
  loadLibC,
  ProcessTree,
  processIdentity,
} from '../process/index.ts';
import { createFaults, createIds, type Faults, systemClock } from '../runtime/index.ts';
import { checkStart } from './child/checks.ts';
import { startChild } from './child/index.ts';
import { Assignment, createClaim, manifestOf, readClaim, writeAgentFiles, writeManifest } from './launch/index.ts';
import { type ShimIdentity, SessionServer } from './server/index.ts';
import { Session } from './session.ts';

declare const __HOLDFAST_VERSION__: string;

/**
 * V8 shrinks a heap some time after its process has fallen idle, 8 s by default: the last thing an idle session does.
 * Not at once, because a spare that was shrunk takes some ms longer to start its session. A V8 that does not know the
 * flag says so in the log.
 */
const SHRINK_HEAP = '--gc-memory-reducer-start-delay-ms=2000';

/** A shim told to end by the machine gives its child this long. */
const SIGTERM_GRACE_MS = 5_000;

const clock = systemClock;

function note(message: string): void {
  process.stderr.write(`${new Date(clock.now()).toISOString()} shim ${process.pid}: ${message}\n`);
}

async function main(): Promise<void> {
  setFlagsFromString(SHRINK_HEAP);
  const faultPlan = process.env['HOLDFAST_FAULT_PLAN'];
  becomeIndependent();
  const assignment = new Assignment(REPORT_FD, clock);
  const libc = await loadLibC();
  const containment = becomeSubreaper(libc);
  const identity = whoAmI();
  const spec = await assignment.receive();
  if (spec === null) return;
  const faults = createFaults(spec.fault_plan ?? faultPlan);
  await new Shim({ spec, assignment, libc, containment, identity, faults }).run();
}

/** Nothing of whoever started this process may reach, hold or end it (DESIGN §2). */
function becomeIndependent(): void {
  process.chdir('/');
  for (const name of Object.keys(process.env)) if (name.startsWith('HOLDFAST_')) delete process.env[name];
  // One thread is enough for tee files; it is started when the first one is opened.
  process.env['UV_THREADPOOL_SIZE'] = '1';
  process.on('SIGHUP', () => {});
  process.on('SIGINT', () => {});
  process.on('uncaughtException', (error) => note(`error: ${error.stack ?? error.message}`));
}

function whoAmI(): ShimIdentity {
  const own = processIdentity(process.pid);
  if (own === undefined)
    throw new HoldfastError('internal', 'this system does not tell when a process started (/proc)');
  return { pid: own.pid, start_time: own.start_time, boot_id: bootId(), version: __HOLDFAST_VERSION__ };
}

interface ShimParts {
  spec: LaunchSpec;
  assignment: Assignment;
  libc: LibC | undefined;
  containment: Containment;
  identity: ShimIdentity;
  faults: Faults;
}

class Shim {
  readonly #parts: ShimParts;

  constructor(parts: ShimParts) {
    this.#parts = parts;
  }

  /**
   * Checks, claim, socket, fork, report: killed after any of them, what is on disk says how far it came. No claim: no
   * session. A claim of a dead process without a log: it never ran.
   */
  async run(): Promise<void> {
    const { spec } = this.#parts;
    try {
      checkStart(spec);
      this.#parts.faults.hit('shim.claim.before');
      if (!createClaim(spec.session_dir, this.#claim())) {
        await this.#parts.assignment.report({ report: 'fenced', claim: readClaim(spec.session_dir) });
        return;
      }
      this.#parts.faults.hit('shim.claim.after');
      await this.#serve();
    } catch (error) {
      await this.#parts.assignment.report(refusal(HoldfastError.from(error, 'start_failed')));
    }
  }

  async #serve(): Promise<void> {
    const { spec } = this.#parts;
    writeManifest(spec.session_dir, manifestOf(spec, this.#parts.identity.version, null));
    let ended: () => void = () => {};
    const end = new Promise<void>((resolve) => (ended = resolve));
    const session = new Session({ spec, clock, ids: createIds(clock), faults: this.#parts.faults, note, ended });
    const server = new SessionServer(session, this.#parts.identity, clock);
    try {
      writeAgentFiles(spec);
      await session.prepareAgent();
      await server.listen(spec.socket_path);
      this.#start(session);
    } catch (error) {
      session.abandon();
      await server.farewell(spec.socket_path);
      throw error;
    }
    process.on('SIGTERM', () => session.terminate(SIGTERM_GRACE_MS, 'SIGTERM', 'the machine'));
    await this.#report(session);
    await end;
    await server.farewell(spec.socket_path);
  }

  #start(session: Session): void {
    const { spec } = this.#parts;
    session.begin();
    const child = startChild(spec, session.handlers, { clock, libc: this.#parts.libc });
    this.#parts.containment.keep(child.pid);
    const tree = new ProcessTree({
      child,
      mark: spec.session_id,
      reaper: this.#parts.containment.reaper,
      outputs: () => child.outputEnds(),
      clock,
      faults: this.#parts.faults,
    });
    session.started(child, tree);
    const { pid, start_time } = child;
    writeManifest(
      spec.session_dir,
      manifestOf(spec, this.#parts.identity.version, { pid, start_time, containment: tree.containment }),
    );
  }

  async #report(session: Session): Promise<void> {
    const { pid, start_time, containment } = session.facts();
    this.#parts.faults.hit('shim.started.before');
    await this.#parts.assignment.report({
      report: 'started',
      pid,
      start_time,
      shim_pid: this.#parts.identity.pid,
      shim_start_time: this.#parts.identity.start_time,
      containment,
    });
    this.#parts.faults.hit('shim.started.after');
  }

  #claim(): Claim {
    const { pid, start_time, boot_id, version } = this.#parts.identity;
    return {
      claim: 1,
      session_id: this.#parts.spec.session_id,
      by: 'shim',
      pid,
      start_time,
      boot_id,
      version,
      at_ms: clock.now(),
    };
  }
}

function refusal(error: HoldfastError): LaunchReport {
  const status = error.details['exit_status'];
  return {
    report: 'start_failed',
    error: error.toWire(),
    exit_status: status === 126 || status === 127 ? status : 125,
  };
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    note(`gave up: ${error.stack ?? error.message}`);
    process.exit(70);
  },
);
