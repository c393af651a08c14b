/** One attached reader: its mode and the pump that feeds it. */
import type { AttachMode, EndedReason, StreamId } from '../../protocol/session/index.ts';
import type { ReaderPump } from '../../session/index.ts';
import type { Peer } from './peer.ts';

export interface AttachmentOptions {
  peer: Peer;
  mode: AttachMode;
  /** A terminal that answers queries shows the output. */
  terminal: boolean;
  pump: ReaderPump;
  /** Once, however it ends. */
  closed(attachment: Attachment): void;
}

export class Attachment {
  readonly mode: AttachMode;
  readonly terminal: boolean;
  readonly pump: ReaderPump;
  readonly #options: AttachmentOptions;
  #open = true;

  constructor(options: AttachmentOptions) {
    this.#options = options;
    this.mode = options.mode;
    this.terminal = options.terminal;
    this.pump = options.pump;
  }

  get clientId(): string {
    return this.#options.peer.clientId;
  }

  get peer(): Peer {
    return this.#options.peer;
  }

  /** Bytes of `stream` below this offset have certainly left for the reader. */
  sentTo(stream: StreamId): number {
    return this.pump.position(stream) - this.#options.peer.connection.queuedBytes;
  }

  /** Tells the reader why it gets nothing more. */
  end(reason: EndedReason, by?: string): void {
    if (!this.#open) return;
    this.close();
    this.#options.peer.send({ event: 'Ended', reason, ...(by === undefined ? {} : { by }) });
  }

  /** Compare-and-clear: only what still belongs to this attachment is given up. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.pump.close();
    if (this.#options.peer.attachment === this) this.#options.peer.attachment = null;
    this.#options.closed(this);
  }
}
