/** A recording read as a live agent's output is, for explaining and for the corpus of recorded screens. */
import type { AgentProfile, Explanation } from '../protocol/agent/index.ts';
import { applySignal } from './apply-signal.ts';
import { createStatusBoard } from './board.ts';
import type {
  ProfileReader,
  RecordingReader,
  ScreenReading,
  ScreenView,
  SignalScanner,
  StatusBoard,
} from './contract.ts';
import { compileProfile } from './reader.ts';
import { createSignalScanner } from './signals.ts';

export function createRecordingReader(profile: AgentProfile, cli: string | null): RecordingReader {
  return new Recording(profile, cli);
}

class Recording implements RecordingReader {
  readonly #profile: AgentProfile;
  readonly #cli: string | null;
  readonly #reader: ProfileReader;
  readonly #board: StatusBoard = createStatusBoard();
  readonly #scanner: SignalScanner;
  #at = 0;
  #title = '';
  #rules: ScreenReading['tried'] = [];
  #evaluations = 0;

  constructor(profile: AgentProfile, cli: string | null) {
    this.#profile = profile;
    this.#cli = cli;
    this.#reader = compileProfile(profile);
    this.#scanner = createSignalScanner((signal) => {
      if (signal.signal === 'title') this.#title = signal.title;
      applySignal(this.#board, this.#reader, signal, this.#at);
    });
  }

  output(bytes: Uint8Array, at: number): void {
    this.#at = at;
    this.#scanner.push(bytes);
  }

  screen(view: ScreenView, at: number): ScreenReading {
    const reading = this.#reader.screen(view.title === '' ? { ...view, title: this.#title } : view);
    this.#rules = reading.tried;
    this.#evaluations++;
    this.#board.screen(reading, at);
    return reading;
  }

  explain(at: number): Explanation {
    const { name, revision } = this.#profile;
    return {
      ...this.#board.explain(at),
      profile: { name, revision, cli: this.#cli },
      rules: this.#rules,
      cost: { evaluations: this.#evaluations, total_ms: 0, slowest_ms: 0 },
    };
  }
}
