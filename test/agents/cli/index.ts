/** The CLIs that tests can run and recordings are made of. */
import { claude } from './claude.ts';
import { codex } from './codex.ts';
import type { AgentCli } from './contract.ts';
import { gemini } from './gemini.ts';
import { opencode } from './opencode.ts';

export type * from './contract.ts';

export const agentClis: readonly AgentCli[] = [claude, codex, gemini, opencode];
