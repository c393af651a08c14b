/** The session socket: connections, their Hello, and the way out. */
import { unlinkSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { HoldfastError } from '../../protocol/errors.ts';
import { CONNECTIONS_PER_SESSION, HELLO_MS } from '../../protocol/limits.ts';
import {
  type Frame,
  type HelloCommand,
  parseSessionCommand,
  type SessionCommand,
  type SessionCommandError,
} from '../../protocol/session/index.ts';
import type { Clock } from '../../runtime/index.ts';
import { acceptHello, expectHello, helloRequired } from '../../session/index.ts';
import { FrameConnection, type Listener, listenUnix } from '../../transport/index.ts';
import type { Session } from '../session.ts';
import { dispatch } from './commands.ts';
import { Peer } from './peer.ts';
import { input } from './write.ts';

/** Who this shim is, for its Hello. */
export interface ShimIdentity {
  pid: number;
  start_time: number;
  boot_id: string;
  version: string;
}

const CAPABILITIES = ['attach', 'lease', 'tee', 'screen', 'queries', 'agents', 'program_status'];
/** How long readers may take to fetch the rest after the end. */
const FAREWELL_MS = 5_000;
/** The same when this process alone holds the rest: nobody can fetch it from the archive. */
const ONLY_COPY_FAREWELL_MS = 60_000;

export class SessionServer {
  readonly #session: Session;
  readonly #identity: ShimIdentity;
  readonly #clock: Clock;
  #listener: Listener | null = null;
  readonly #connections = new Set<Peer>();
  #left: (() => void) | null = null;

  constructor(session: Session, identity: ShimIdentity, clock: Clock) {
    this.#session = session;
    this.#identity = identity;
    this.#clock = clock;
  }

  /** Resolves when the socket takes connections. The claim makes the path this shim's: a dead socket there is replaced. */
  async listen(path: string): Promise<void> {
    this.#listener = await listenUnix(path, (stream) => this.#accept(stream), {
      clock: this.#clock,
      replaceStale: true,
    });
  }

  /** After the end: whoever is attached may fetch the rest, then everything is closed. */
  async farewell(path: string): Promise<void> {
    for (const peer of this.#connections) if (peer.attachment === null) peer.close();
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#left = resolve;
        this.#clock.after(this.#session.log.isOnDisk ? FAREWELL_MS : ONLY_COPY_FAREWELL_MS, resolve);
      });
    }
    for (const peer of this.#connections) peer.connection.destroy();
    await this.#listener?.close();
    try {
      unlinkSync(path);
    } catch {
      // Whoever cleaned the directory up was faster.
    }
  }

  #accept(stream: Duplex): void {
    const peer: Peer = new Peer(
      new FrameConnection(
        stream,
        {
          frame: (frame) => this.#frame(peer, frame),
          drained: () => peer.attachment?.pump.drained(),
          refused: (error) => peer.refuse(undefined, '', error),
          closed: () => this.#closed(peer),
        },
        { clock: this.#clock },
      ),
    );
    this.#connections.add(peer);
    if (this.#connections.size > CONNECTIONS_PER_SESSION) {
      peer.refuse(
        undefined,
        'Hello',
        new HoldfastError('busy', `a session takes at most ${CONNECTIONS_PER_SESSION} connections`),
      );
      peer.close();
      return;
    }
    peer.cancelHello = this.#clock.after(HELLO_MS, () => this.#turnAway(peer, helloRequired()));
  }

  #frame(peer: Peer, frame: Frame): void {
    if (frame.kind === 'input' && peer.greeted && peer.role !== 'agent') {
      input(this.#session, peer, frame.epoch, frame.seq, frame.bytes);
    } else if (frame.kind === 'json') {
      this.#command(peer, frame.json);
    } else if (!peer.greeted) {
      this.#turnAway(peer, helloRequired());
    } else {
      throw new HoldfastError('bad_frame', `a client does not send ${frame.kind.toUpperCase()} frames`);
    }
  }

  #command(peer: Peer, json: Buffer): void {
    let command: SessionCommand;
    try {
      command = parseSessionCommand(json);
    } catch (error) {
      const refusal = error as SessionCommandError;
      if (refusal.code === 'bad_frame') throw error;
      peer.refuse(refusal.id, refusal.command, refusal);
      if (!peer.greeted) peer.close();
      return;
    }
    if (peer.greeted) dispatch(this.#session, peer, command);
    else this.#greet(peer, command);
  }

  #greet(peer: Peer, command: SessionCommand): void {
    const session = this.#session;
    const { pid, start_time, boot_id, version } = this.#identity;
    let hello: HelloCommand;
    let protocol: number;
    try {
      hello = expectHello(command);
      protocol = acceptHello(hello, session.spec.token, session.spec.agent?.token ?? null);
    } catch (error) {
      this.#turnAway(peer, HoldfastError.from(error), command.id);
      return;
    }
    peer.cancelHello();
    peer.greeted = true;
    peer.clientId = hello.client_id;
    peer.role = hello.role;
    // A program of the session is answered and told nothing else.
    if (hello.role !== 'agent') session.peers.add(peer);
    peer.reply(command.id, {
      event: 'Hello',
      protocol,
      session_id: session.spec.session_id,
      kind: session.spec.kind,
      shim_pid: pid,
      start_time,
      boot_id,
      version,
      capabilities: CAPABILITIES,
      streams: session.log.extents(),
      lease: session.lease.info,
      child: session.facts(),
    });
  }

  #turnAway(peer: Peer, error: HoldfastError, id?: string | number): void {
    peer.refuse(id, 'Hello', error);
    peer.close();
  }

  #closed(peer: Peer): void {
    peer.cancelHello();
    this.#connections.delete(peer);
    if (peer.greeted) this.#session.disconnected(peer);
    if (this.#connections.size === 0) this.#left?.();
  }
}
