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
  /** Of one in four connections the cut falls into a frame's first bytes: its length, kind, stream or offset. */
  aimAtHeads?: boolean;
  /** What the client sends is cut as well, before this many bytes; default: only what the server sends. */
  mostBytesUp?: number;
}

/**
 * One in eight connections carries up to this much more than it would: a reader that has fallen behind gets frames of
 * 64 KiB, and were every connection cut before one was whole, it would never get on.
 */
const MERCY_BYTES = 192 * 1024;
/** Bytes of a DATA frame before its data: u32 length, kind, stream, u64 offset. */
const HEAD_BYTES = 14;
/** An aimed cut falls into one of this many frames after the first two. */
const AIMED_FRAMES = 10;

/** The server's socket file moves aside and this takes its path: every later client comes through here. */
export class CuttingProxy implements AsyncDisposable {
  cuts = 0;
  /** Cuts within the first bytes of a frame. */
  cutsInHeads = 0;
  connections = 0;
  /** Where the server is reached without being cut. */
  readonly behind: string;
  readonly #server: Server;
  readonly #options: CuttingOptions;
  readonly #sockets = new Set<Socket>();
  #down = false;

  private constructor(path: string, options: CuttingOptions) {
    this.behind = `${path}.cut`;
    this.#options = options;
    this.#server = createServer((client) => this.#accept(client));
    renameSync(path, this.behind);
  }

  static async before(path: string, options: CuttingOptions): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(path, options);
    await new Promise<void>((resolve, reject) => proxy.#server.once('error', reject).listen(path, resolve));
    return proxy;
  }

  /** Cuts what runs through it, and every new connection at once, until `restore`. */
  interrupt(): void {
    this.#down = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  restore(): void {
    this.#down = false;
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
    // A reset is just one more way to lose a connection.
    client.on('error', () => client.destroy());
    if (this.#down) {
      client.destroy();
      return;
    }
    const server = connect(this.behind);
    server.on('error', () => server.destroy());
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    }
    client.once('close', () => server.destroy());
    // What was sent before a regular end still arrives.
    server.once('close', () => client.end());
    const { random, mostBytes, mostBytesUp, aimAtHeads = false } = this.#options;
    this.#pass(client, server, mostBytesUp === undefined ? Infinity : random(mostBytesUp), false);
    const most = random(mostBytes) + (random(8) === 0 ? random(MERCY_BYTES) : 0);
    this.#pass(server, client, most, aimAtHeads && random(4) === 0);
  }

  /** Hands on `most` bytes, or up to somewhere in a frame's head, and destroys `to` there, which ends both. */
  #pass(from: Socket, to: Socket, most: number, aimed: boolean): void {
    const frames = new FrameWalk();
    const target = aimed
      ? { frame: 2 + this.#options.random(AIMED_FRAMES), byte: 1 + this.#options.random(HEAD_BYTES - 1) }
      : undefined;
    let passed = 0;
    from.on('data', (bytes: Buffer) => {
      const end = target === undefined ? most : frames.find(target.frame, target.byte, passed, bytes);
      if (passed + bytes.length <= end || !this.#mayCut()) {
        passed += bytes.length;
        if (!to.write(bytes)) from.pause();
        return;
      }
      this.cuts++;
      if (aimed) this.cutsInHeads++;
      from.removeAllListeners('data').pause();
      to.write(bytes.subarray(0, end - passed), () => {
        to.destroy();
        from.destroy();
      });
    });
    to.on('drain', () => from.resume());
  }

  #mayCut(): boolean {
    return this.cuts < (this.#options.cuts ?? Infinity);
  }
}

/** Follows the frames of one direction (u32 length, then the payload) through any split of its bytes. */
class FrameWalk {
  /** Number of the frame that starts at `#start`. */
  #frame = 0;
  #start = 0;
  #length = Buffer.alloc(4);
  #lengthBytes = 0;

  /** Offset of byte `byte` of frame `frame` in the direction, once `bytes`, which begin at `passed`, tell it; else Infinity. */
  find(frame: number, byte: number, passed: number, bytes: Buffer): number {
    while (this.#frame < frame) {
      const at = this.#start + this.#lengthBytes - passed;
      if (at >= bytes.length) return Infinity;
      const taken = bytes.copy(this.#length, this.#lengthBytes, at, at + 4 - this.#lengthBytes);
      this.#lengthBytes += taken;
      if (this.#lengthBytes < 4) return Infinity;
      this.#start += 4 + this.#length.readUInt32BE();
      this.#lengthBytes = 0;
      this.#frame++;
    }
    return this.#frame === frame ? this.#start + byte : Infinity;
  }
}
