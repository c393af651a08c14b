/** One connection to the session socket. */
import { HoldfastError } from '../../protocol/errors.ts';
import type { HelloCommand, SessionEvent } from '../../protocol/session/index.ts';
import type { FrameConnection } from '../../transport/index.ts';
import type { LeaseClient } from '../input/index.ts';
import type { Attachment } from './attachment.ts';

/** Base64 of an answer in parts: each part stays well below a frame. */
const PART_BYTES = 192 * 1024;

/** What a program takes to echo a key, generously. */
const ECHO_MS = 3;

export type CommandId = string | number | undefined;

export class Peer implements LeaseClient {
  readonly connection: FrameConnection;
  clientId = '';
  role: HelloCommand['role'] = 'client';
  greeted = false;
  /** Stops the wait for the Hello. */
  cancelHello: () => void = () => {};
  attachment: Attachment | null = null;

  constructor(connection: FrameConnection) {
    this.connection = connection;
  }

  /** Unasked. */
  send(event: SessionEvent): void {
    this.connection.sendJson(event);
  }

  /**
   * Input up to `seq` was taken. A terminal waits for the echo, not for this: it goes with the echo, so that the client
   * is woken once. Everybody else may be waiting for it.
   */
  acknowledge(epoch: number, seq: number): void {
    const ack: SessionEvent = { event: 'InputAck', epoch, seq };
    if (this.attachment?.terminal === true) this.connection.sendJsonSoon(ack, ECHO_MS);
    else this.connection.sendJson(ack);
  }

  /** The one answer to a command. */
  reply(id: CommandId, event: SessionEvent): void {
    try {
      this.connection.sendJson(id === undefined ? event : { ...event, id });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.refuse(id, event.event, error);
    }
  }

  refuse(id: CommandId, command: string, error: HoldfastError): void {
    const { code, message, field, retryable, details } = error;
    this.reply(id, {
      event: 'Error',
      command,
      reason: message,
      code,
      ...(field === undefined ? {} : { field }),
      retryable,
      ...(Object.keys(details).length === 0 ? {} : { details }),
    });
  }

  /** An answer of any length; the last part carries the command's id. */
  replyInParts(id: CommandId, bytes: Buffer, part: (data: string, at: number, last: boolean) => SessionEvent): void {
    for (let at = 0; ; at += PART_BYTES) {
      const last = at + PART_BYTES >= bytes.length;
      const event = part(bytes.toString('base64', at, Math.min(bytes.length, at + PART_BYTES)), at, last);
      if (last) {
        this.reply(id, event);
        return;
      }
      this.send(event);
    }
  }

  close(): void {
    this.connection.close();
  }
}
