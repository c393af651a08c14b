import { describeEventLog } from './log-contract.ts';
import { MemoryLog } from './memory-log.ts';

describeEventLog('MemoryLog', {
  create: () => new MemoryLog(),
  async reopen(log) {
    await log.close();
    await log.open();
    return log;
  },
});
