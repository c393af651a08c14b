/** `agent.json` of a session, 0600: what it takes to start its agent again, also after a reboot. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentStart } from '../../domains/agents/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { Environment } from './launch.ts';

export interface AgentContract {
  agent: 1;
  start: AgentStart;
  cwd: string;
  /** The caller's, before the profile takes from it. */
  env: Environment;
  conversation_id: string | null;
}

export const AGENT_CONTRACT_FILE = 'agent.json';

export function writeContract(sessionDir: string, contract: AgentContract): void {
  writeFileSync(join(sessionDir, AGENT_CONTRACT_FILE), `${JSON.stringify(contract)}\n`, { mode: 0o600 });
}

export function hasContract(sessionDir: string): boolean {
  return existsSync(join(sessionDir, AGENT_CONTRACT_FILE));
}

/** Throws `storage_error` when it is not there or not whole: then the agent cannot be started as it was. */
export function readContract(sessionDir: string): AgentContract {
  const file = join(sessionDir, AGENT_CONTRACT_FILE);
  try {
    const contract = JSON.parse(readFileSync(file, 'utf8')) as AgentContract;
    if (contract.agent === 1 && Array.isArray(contract.env)) return contract;
  } catch (error) {
    throw new HoldfastError('storage_error', `${file} cannot be read: ${(error as Error).message}; start a new agent`, {
      retryable: false,
      cause: error,
    });
  }
  throw new HoldfastError('storage_error', `${file} is no launch contract; start a new agent`, { retryable: false });
}
