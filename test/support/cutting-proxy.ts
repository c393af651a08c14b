/** Stands in front of a unix socket and cuts connections at any byte, as a network or a dying process would. */
import { renameSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from './random.ts';

export interface CuttingOptions {
  random: Random;
  /** A connection carries fewer bytes than this before it is cut. Small enough, and most cuts fall into a frame. */
  mostBytes: number;
  /** Cuts after which it lets everything pass; default: it never stops. */
  cuts?: number;
}

/** The server's socket file moves aside and this takes its path: every later client comes through here. */
export class CuttingProxy implements AsyncDisposable {
  cuts = 0;
  connections = 0;
  readonly #server: Server;
  readonly #behind: string;
  readonly #options: CuttingOptions;
  readonly #sockets = new Set<Socket>();

  private constructor(path: string, options: CuttingOptions) {
    this.#behind = `${path}.cut`;
    this.#options = options;
    this.#server = createServer((client) => this.#accept(client));
    renameSync(path, this.#behind);
  }

  static async before(path: string, options: CuttingOptions): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(path, options);
    await new Promise<void>((resolve, reject) => proxy.#server.once('error', reject).listen(path, resolve));
    return proxy;
  }

  /** Cuts what runs through it and serves nobody any more. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(client: Socket): void {
    this.connections++;
    const server = connect(this.#behind);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      // A reset is just one more way to lose a connection.
      socket.on('error', () => socket.destroy());
    }
    client.once('close', () => server.destroy());
    // What was sent before a regular end still arrives.
    server.once('close', () => client.end());
    client.pipe(server);
    let left = this.#mayCut() ? this.#options.random(this.#options.mostBytes) : Infinity;
    server.on('data', (bytes: Buffer) => {
      if (bytes.length <= left || !this.#mayCut()) {
        left -= bytes.length;
        if (!client.write(bytes)) server.pause();
        return;
      }
      this.cuts++;
      server.pause();
      client.write(bytes.subarray(0, left), () => client.destroy());
      left = 0;
    });
    client.on('drain', () => server.resume());
  }

  #mayCut(): boolean {
    return this.cuts < (this.#options.cuts ?? Infinity);
  }
}
