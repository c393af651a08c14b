/** The Program Status Protocol (OSC 7501) on the real product: its query is answered whoever looks on, or nobody. */
import { expect } from 'vitest';
import type { AgentUnderTest } from './agent.ts';
import { exchange } from './flows.ts';
import type { Flow } from './suite.ts';

/** `app`: as the program names itself. */
export function reportsAlone(app: string): Flow {
  return async (bench) => {
    const agent = await bench.agent({ watched: false });
    await agent.free();
    await exchange(agent, 'Nobody looks on.', 'Nobody does.');
    await agent.watch();
    await reported(agent, app);
    agent.judged();
  };
}

export function reportsAttached(app: string): Flow {
  return async (bench) => {
    const agent = await bench.agent({ watched: 'terminal' });
    await agent.free();
    await exchange(agent, 'Somebody looks on.', 'Somebody does.');
    await reported(agent, app);
    agent.judged();
  };
}

async function reported(agent: AgentUnderTest, app: string): Promise<void> {
  const reports = await agent.display.until(() => {
    const found = agent.display
      .bytes()
      .toString('latin1')
      .match(/\x1b\]7501;state=\w+/gu);
    return found?.at(-1)?.endsWith('done') === true ? found : undefined;
  }, 'a report of the end');
  expect(reports.map((report) => report.split('=')[1])).toEqual(expect.arrayContaining(['idle', 'working', 'done']));
  expect(await agent.record()).toMatchObject({ status: { activity: 'done', source: 'psp' } });
  expect(agent.display.bytes().toString('latin1')).toContain(`:app=${app}`);
}
