/** A raw connection to a session's socket, for what the SDK does not show: Hello's facts, broadcasts, credit by hand. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Session, StreamId } from '../../src/client/index.ts';
import { openSocketLink } from '../../src/client/socket-link.ts';
import type { SessionLink } from '../../src/client/session-link.ts';
import { homePaths } from '../../src/protocol/home/index.ts';
import {
  type AttachCommand,
  encodeJson,
  type HelloEvent,
  SESSION_PROTOCOL,
  type SessionEvent,
} from '../../src/protocol/session/index.ts';
import { systemClock } from '../../src/runtime/index.ts';
import { OracleChecker } from './oracle.mjs';
import { until } from './runtime.ts';

export class SessionWatch implements Disposable {
  readonly events: SessionEvent[] = [];
  /** What came since `attach`, checked. */
  readonly checker: OracleChecker;
  isClosed = false;
  #failure: Error | undefined;
  #link!: SessionLink;

  private constructor(pty: boolean) {
    this.checker = new OracleChecker({ pty });
  }

  static async open(home: string, session: Session, clientId: string, pty = false): Promise<SessionWatch> {
    const watch = new SessionWatch(pty);
    const { socket } = await session.record();
    const token = readFileSync(homePaths(home).secret, 'utf8').trim();
    watch.#link = await openSocketLink(
      { path: socket, sessionId: session.id, token, clientId, clock: systemClock },
      {
        data: (stream, offset, bytes) => watch.#check(() => watch.checker.data(offset, bytes), stream),
        gap: (stream, from, to) => watch.#check(() => watch.checker.gap(from, to), stream),
        event: (event) => void watch.events.push(event),
        closed: () => {
          watch.isClosed = true;
        },
      },
    );
    return watch;
  }

  /** The session as its Hello shows it now. */
  static async facts(home: string, session: Session): Promise<HelloEvent> {
    using watch = await SessionWatch.open(home, session, 'facts');
    return watch.#link.hello;
  }

  /** A client that attaches with all the credit there is and never reads its socket. */
  static async deaf(home: string, session: Session): Promise<Socket> {
    const { socket: path } = await session.record();
    const socket = connect(path);
    socket.on('error', () => socket.destroy());
    const token = readFileSync(homePaths(home).secret, 'utf8').trim();
    const hello = { cmd: 'Hello', protocol: [...SESSION_PROTOCOL], client_id: 'deaf', token, role: 'client' };
    socket.write(encodeJson(hello));
    socket.write(encodeJson({ cmd: 'Attach', from: 0, mode: 'observe', credit: Number.MAX_SAFE_INTEGER }));
    return socket;
  }

  async attach(command: Omit<AttachCommand, 'cmd'>): Promise<void> {
    await this.#link.request({ cmd: 'Attach', ...command }, 'Attached');
  }

  grant(bytes: number): void {
    this.#link.post({ cmd: 'Credit', bytes });
  }

  /** The first event of this name that `matches`. */
  async event<Name extends SessionEvent['event']>(
    name: Name,
    matches: (event: Extract<SessionEvent, { event: Name }>) => boolean = () => true,
  ): Promise<Extract<SessionEvent, { event: Name }>> {
    let found: Extract<SessionEvent, { event: Name }> | undefined;
    await this.until(() => {
      found = this.events.find(
        (event): event is Extract<SessionEvent, { event: Name }> => event.event === name && matches(event as never),
      );
      return found !== undefined;
    }, `a ${name} event`);
    return found!;
  }

  /** As the runtime's `until`; rejects also with a wrong byte. */
  until(holds: () => boolean, what: string): Promise<void> {
    return until(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return holds();
    }, what);
  }

  [Symbol.dispose](): void {
    this.#link.close();
  }

  #check(work: () => void, stream: StreamId): void {
    try {
      if (stream !== 1) throw new Error(`data of stream ${stream}`);
      work();
    } catch (error) {
      this.#failure ??= error as Error;
    }
  }
}
