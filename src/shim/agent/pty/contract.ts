/** What the driver of an agent at a terminal needs beyond `AgentHost`. */
import type { ScreenView } from '../../../agents/index.ts';
import type { AgentFigures, AgentHost } from '../contract.ts';

/** The session's emulator. */
export interface AgentScreen {
  /** Resolves when everything that was in the log by now is on the screen, or after `ms`; false: it is behind. */
  caughtUp(ms: number): Promise<boolean>;
  view(): ScreenView;
  /** The last `lastLines` lines with what scrolled out above them; undefined: the screen. */
  text(lastLines: number | undefined): { content: string };
}

export interface PtyHost extends AgentHost {
  readonly figures: AgentFigures;
  screen(): Promise<AgentScreen>;
}
