/** What Holdfast knows of agent CLIs, as data. A user's profile of the same name takes the place of one of these. */
import type { AgentProfile } from '../../protocol/agent/index.ts';
import { aider } from './aider.ts';
import { claude } from './claude.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import { generic } from './generic.ts';
import { kiro } from './kiro.ts';
import { opencode } from './opencode.ts';
import { shell } from './shell.ts';

export const BUILT_IN_PROFILES: readonly AgentProfile[] = [
  claude,
  codex,
  gemini,
  opencode,
  kiro,
  aider,
  generic,
  shell,
];
