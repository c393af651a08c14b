/** The control server (WIRES §1): every connection of `run/srv.sock`, and who is registered on which. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { limits } from '../protocol/index.ts';
import type { Clock } from '../runtime/index.ts';
import type { ControlService } from './contract.ts';
import { EventTexts } from './fan-out.ts';
import { ServerConnection } from './server-connection.ts';
import type { ControlLimits, Registrant, ServerContext } from './server-context.ts';

export interface ControlServerOptions<C extends { cmd: string }> {
  clock: Clock;
  service: ControlService<C>;
  /** The instance secret a client of ours must present. */
  token: string;
  /** The session whose token this is; null: of none. */
  sessionOf?(token: string): string | null;
  limits?: Partial<ControlLimits>;
}

export class ControlServer<C extends { cmd: string }> {
  readonly #connections = new Set<Registrant>();
  readonly #byClient = new Map<string, Registrant>();
  readonly #context: ServerContext<C>;
  #seedIds = 0;
  #closing = false;
  #empty: () => void = () => {};

  constructor(options: ControlServerOptions<C>) {
    const digest = sha256(options.token);
    this.#context = {
      clock: options.clock,
      service: options.service,
      limits: {
        registerMs: limits.CONTROL_REGISTER_MS,
        requests: 1_024,
        lines: { burst: 100_000, perSecond: 50_000 },
        errors: { burst: 500, perSecond: 20 },
        ...options.limits,
      },
      texts: new EventTexts(),
      authenticate: (token) => {
        if (timingSafeEqual(digest, sha256(token))) return { session_id: null };
        const session_id = options.sessionOf?.(token) ?? null;
        return session_id === null ? null : { session_id };
      },
      claim: (clientId, connection) => this.#claim(clientId, connection),
      holderOf: (clientId) => this.#byClient.get(clientId)?.scope,
      claimSeedId: (connection) => {
        do this.#seedIds++;
        while (this.#byClient.has(String(this.#seedIds)));
        this.#claim(String(this.#seedIds), connection);
        return this.#seedIds;
      },
      gone: (connection) => this.#forget(connection),
    };
  }

  /** Connections, registered or not. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes over a stream of the listener. */
  accept(stream: Duplex): void {
    if (this.#closing) {
      stream.destroy();
      return;
    }
    this.#connections.add(new ServerConnection(stream, this.#context));
  }

  /** Tells every client `closed{shutdown}`; resolves when all are gone, at most 2 s later. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#connections.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#empty = resolve;
    });
    for (const connection of this.#connections) connection.end('shutdown');
    await empty;
  }

  #claim(clientId: string, connection: Registrant): void {
    this.#byClient.get(clientId)?.end('superseded');
    this.#release(connection);
    this.#byClient.set(clientId, connection);
    connection.claimed = clientId;
  }

  #release(connection: Registrant): void {
    const { claimed } = connection;
    if (claimed !== null && this.#byClient.get(claimed) === connection) this.#byClient.delete(claimed);
  }

  #forget(connection: Registrant): void {
    this.#connections.delete(connection);
    this.#release(connection);
    if (this.#connections.size === 0) this.#empty();
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
