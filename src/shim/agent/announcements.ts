/** Tells everybody what is new about an agent, once: a change of its axes at once, of the rest at most every second. */
import type { AgentStatus, AgentUsage } from '../../protocol/agent/index.ts';
import type { AgentLaunch } from '../../protocol/launch/index.ts';
import type { SessionEvent } from '../../protocol/session/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { AgentDriver, AgentFigures } from './contract.ts';

export interface AnnouncementOptions {
  clock: Clock;
  figures: AgentFigures;
  emit(event: SessionEvent): void;
  lastLines(): string;
  launched: Pick<AgentLaunch, 'conversation_id'>;
}

/** Between two AgentChanged or UsageChanged that tell details only. */
const DETAILS_MS = 1_000;
/** Per cent of the context: hinted at, then warned of. */
const APPROACHING_PCT = 70;
const WARNING_PCT = 80;

export class Announcements {
  readonly #options: AnnouncementOptions;
  #axes = '';
  #details = '';
  #readiness = '';
  #exhausted = false;
  #approached = false;
  #warned = false;
  #usage: AgentUsage | null = null;
  #conversation: string | null;
  #transcriptPath: string | null = null;
  #proven = false;
  #toldAt = -Infinity;
  #cancelLater: (() => void) | null = null;

  constructor(options: AnnouncementOptions) {
    this.#options = options;
    this.#conversation = options.launched.conversation_id;
  }

  /** Whether the agent was ready once. */
  get proven(): boolean {
    return this.#proven;
  }

  changed(driver: AgentDriver, readiness = driver.readiness): void {
    const { status } = driver;
    if ((status.activity === 'idle' || status.activity === 'done') && status.attention === 'none') this.#proven = true;
    this.#tellStatus(driver, status);
    this.#tellExhausted(status);
    this.#tellConversation(driver);
    this.#tellUsage(driver.usage);
    const said = `${readiness.ready} ${readiness.waits_for}`;
    if (said !== this.#readiness) {
      this.#readiness = said;
      this.#options.emit({ event: 'AgentReady', ready: readiness.ready, waits_for: readiness.waits_for });
    }
  }

  close(): void {
    this.#cancelLater?.();
    this.#cancelLater = null;
  }

  #tellStatus(driver: AgentDriver, status: AgentStatus): void {
    const axes = `${status.activity} ${status.attention}`;
    const details = detailsOf(status);
    if (axes === this.#axes && details === this.#details) return;
    const { clock, emit } = this.#options;
    const wait = this.#toldAt + DETAILS_MS - clock.monotonic();
    if (axes === this.#axes && wait > 0) {
      this.#cancelLater ??= clock.after(wait, () => {
        this.#cancelLater = null;
        this.#tellStatus(driver, driver.status);
      });
      return;
    }
    this.#axes = axes;
    this.#details = details;
    this.#toldAt = clock.monotonic();
    emit({ event: 'AgentChanged', status });
  }

  #tellExhausted(status: AgentStatus): void {
    const exhausted = status.attention === 'exhausted';
    if (exhausted && !this.#exhausted)
      this.#options.emit({
        event: 'ContextExhausted',
        message: status.summary,
        last_lines: this.#options.lastLines(),
      });
    this.#exhausted = exhausted;
  }

  #tellConversation({ conversationId, transcriptPath = null }: AgentDriver): void {
    if (conversationId === null) return;
    if (conversationId === this.#conversation && transcriptPath === this.#transcriptPath) return;
    this.#conversation = conversationId;
    this.#transcriptPath = transcriptPath;
    this.#options.emit({
      event: 'ConversationChanged',
      conversation_id: conversationId,
      transcript_path: transcriptPath,
    });
  }

  #tellUsage(usage: AgentUsage | null): void {
    if (usage === null || usage === this.#usage) return;
    const { emit, figures } = this.#options;
    const before = this.#usage;
    this.#usage = usage;
    if (before !== null && JSON.stringify(before) === JSON.stringify(usage)) return;
    emit({ event: 'UsageChanged', usage });
    const { context_limit_tokens, usage_pct } = usage;
    if (context_limit_tokens === null || usage_pct === null) return;
    if (usage_pct >= WARNING_PCT && !this.#warned)
      emit({
        event: 'ContextWarning',
        output_bytes: figures.outputBytes,
        uptime_secs: figures.uptimeSecs,
        ...usage,
        context_limit_tokens,
        usage_pct,
      });
    else if (usage_pct >= APPROACHING_PCT && usage_pct < WARNING_PCT && !this.#approached)
      emit({
        event: 'ContextApproaching',
        message: `${usage_pct} % of ${context_limit_tokens} tokens are used`,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
      });
    // A context that was emptied fills anew.
    this.#warned = usage_pct >= WARNING_PCT;
    this.#approached = usage_pct >= APPROACHING_PCT;
  }
}

function detailsOf({ summary, source, rule, tasks }: AgentStatus): string {
  return JSON.stringify([summary, source, rule, tasks]);
}
