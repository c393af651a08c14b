/** A client that minds its own business: whatever others do wrong, it must not notice. */
import { expect } from 'vitest';
import type { Attachment, EventStream } from '../../src/client/index.ts';
import { isAlive, type ProcessIdentity, processIdentity } from '../../src/process/index.ts';
import { type TestRuntime, until } from './runtime.ts';

export class Bystander {
  #seen = '';
  #lost = 0;
  #said = 0;
  readonly #attachment: Attachment;
  readonly #events: EventStream;
  readonly #child: ProcessIdentity;

  private constructor(attachment: Attachment, events: EventStream, child: ProcessIdentity) {
    this.#attachment = attachment;
    this.#events = events;
    this.#child = child;
  }

  /** Attached to a session of its own and subscribed, each over a connection of its own. */
  static async settle(runtime: TestRuntime): Promise<Bystander> {
    const client = await runtime.client();
    const { session, record } = await client.run({
      argv: ['cat'],
      kind: 'pipe',
      name: 'bystander',
      cwd: runtime.home,
      env: Object.entries(runtime.env),
    });
    const lost = (): void => {
      bystander.#lost++;
    };
    const events = await client.events({ onConnection: lost });
    const attachment = await session.attach({
      from: 'start',
      onItem(item) {
        if (item.type !== 'data') return;
        bystander.#seen += item.bytes.toString();
        attachment.consumed(item.bytes.length);
      },
      onLost: lost,
    });
    const bystander = new Bystander(attachment, events, processIdentity(record.pid!)!);
    return bystander;
  }

  /** Its session answers, its connections are the ones it had, its child is the same. */
  async check(): Promise<void> {
    const word = `word ${++this.#said}\n`;
    await this.#attachment.write(Buffer.from(word));
    await until(() => this.#seen.endsWith(word), 'the bystander to be answered');
    expect({ lost: this.#lost, alive: isAlive(this.#child) }).toEqual({ lost: 0, alive: true });
  }

  async leave(): Promise<void> {
    this.#attachment.close();
    await this.#events.return();
  }
}
