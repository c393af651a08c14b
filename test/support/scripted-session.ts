/** For tests: a scripted agent in a built shim. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentProfile } from '../../src/protocol/agent/index.ts';
import type { AgentLaunch, LaunchSpec } from '../../src/protocol/launch/index.ts';
import type { EventOf, ShimBench, ShimClient, ShimUnderTest } from '../../src/shim/testing.ts';
import { type AgentScript, scriptedArgv, scriptedEnv, scriptedProfile } from './scripted-profile.ts';

export const AGENT_TOKEN = 'session.0123456789abcdef0123456789abcdef';

export interface ScriptedOptions {
  profile?: Partial<AgentProfile>;
  timings?: Partial<AgentProfile['timings']>;
  launch?: Partial<AgentLaunch>;
  spec?: Partial<LaunchSpec>;
  /** The hook command. */
  report?: string;
}

export interface Truth {
  event: string;
  at: number;
  text?: string;
  [field: string]: unknown;
}

/** One scripted agent and a client of its session. */
export class ScriptedSession {
  readonly shim: ShimUnderTest;
  readonly spec: LaunchSpec;
  readonly client: ShimClient;
  readonly #log: string;
  #messages = 0;

  constructor(shim: ShimUnderTest, spec: LaunchSpec, client: ShimClient, log: string) {
    this.shim = shim;
    this.spec = spec;
    this.client = client;
    this.#log = log;
  }

  static async start(bench: ShimBench, script: AgentScript, options: ScriptedOptions = {}): Promise<ScriptedSession> {
    const directory = bench.sessionDirectory();
    const log = join(directory, 'truth');
    const profile = {
      ...scriptedProfile,
      ...options.profile,
      timings: { ...scriptedProfile.timings, ...options.timings },
    };
    const agent: AgentLaunch = {
      agent_id: 'agent',
      profile,
      mode: 'pty',
      conversation_id: null,
      resumed: false,
      files: {},
      token: AGENT_TOKEN,
      report: options.report ?? 'true',
      ...options.launch,
    };
    const { shim, spec } = await bench.start(scriptedArgv, {
      kind: 'pty',
      session_dir: directory,
      cwd: directory,
      socket_path: join(directory, 's.sock'),
      env: [
        ['PATH', process.env['PATH'] ?? '/usr/bin:/bin'],
        ['TERM', 'xterm-256color'],
        scriptedEnv({ log, ...script }),
      ],
      agent,
      ...options.spec,
    });
    const client = await bench.client(spec, 'srv', 'broker');
    await client.askFor({ cmd: 'Attach', from: 'start', mode: 'observe', credit: 1e9 }, 'Attached');
    return new ScriptedSession(shim, spec, client, log);
  }

  /** What the agent itself says that happened. */
  truth(event?: string): Truth[] {
    if (!existsSync(this.#log)) return [];
    const lines = readFileSync(this.#log, 'utf8').trimEnd().split('\n');
    const entries = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Truth);
    return event === undefined ? entries : entries.filter((entry) => entry.event === event);
  }

  async ready(): Promise<void> {
    await this.until('the agent to be ready', ({ ready }) => ready);
  }

  /** Until GetAgent says so; asked anew after each event. */
  async until(what: string, look: (agent: EventOf<'Agent'>) => boolean): Promise<EventOf<'Agent'>> {
    for (;;) {
      const seen = this.client.events.length;
      const agent = await this.client.askFor({ cmd: 'GetAgent' }, 'Agent');
      if (look(agent)) return agent;
      await this.client.until(`${what}; it is ${JSON.stringify(agent)}`, () =>
        this.client.events.length > seen + 1 ? true : undefined,
      );
    }
  }

  /** Sends a message as srv does; resolves when it is taken. */
  async send(body: string, messageId = `m${++this.#messages}`): Promise<string> {
    await this.client.askFor({ cmd: 'SendMessage', from: '', body, message_id: messageId }, 'Done');
    return messageId;
  }

  /** The outcome of a message: Completion or DeliveryFailed. */
  outcome(messageId: string): Promise<EventOf<'Completion'> | EventOf<'DeliveryFailed'>> {
    return this.client.until(`an outcome of ${messageId}`, () =>
      this.client.events.find(
        (event): event is EventOf<'Completion'> | EventOf<'DeliveryFailed'> =>
          (event.event === 'Completion' && event.message_id === messageId) ||
          (event.event === 'DeliveryFailed' && event.id === messageId),
      ),
    );
  }
}
