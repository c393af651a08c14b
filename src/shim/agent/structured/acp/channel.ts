/** The SDK's stream over the session's pipes. */
import type { AnyMessage, Stream } from '@agentclientprotocol/sdk';
import type { Outcome } from '../contract.ts';

export interface Channel {
  readonly stream: Stream;
  /** A message of the agent. */
  receive(message: AnyMessage): void;
  end(): void;
}

/** Rejects what is written once the child's input is closed: the SDK then gives up everything that waits for an answer. */
export function createChannel(write: (message: AnyMessage) => Promise<Outcome>): Channel {
  let controller!: ReadableStreamDefaultController<AnyMessage>;
  let isOpen = true;
  const readable = new ReadableStream<AnyMessage>({
    start(given) {
      controller = given;
    },
    cancel() {
      isOpen = false;
    },
  });
  const writable = new WritableStream<AnyMessage>({
    async write(message) {
      if ((await write(message)) === 'closed') throw new Error('the agent reads no more');
    },
  });
  return {
    stream: { readable, writable },
    receive(message) {
      if (isOpen) controller.enqueue(message);
    },
    end() {
      if (isOpen) controller.close();
      isOpen = false;
    },
  };
}
