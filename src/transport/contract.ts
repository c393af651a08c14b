/**
 * A place to connect to, whatever carries the bytes. `transportContract` (contract-suite.ts) runs on every
 * implementation.
 */
import type { Duplex } from 'node:stream';

export interface Listener {
  /** Takes no more connections; those there live on. */
  close(): Promise<void>;
}

export interface Transport {
  /** `accept` owns each stream it gets. */
  listen(accept: (stream: Duplex) => void): Promise<Listener>;
  /** Rejects with `unreachable`. */
  connect(): Promise<Duplex>;
}
