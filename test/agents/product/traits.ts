/** What the flows need to know of a CLI beyond how it is run. */
export interface CliTraits {
  /** On the screen with the trust dialog; null: it has none. */
  trust: RegExp | null;
  /** When it takes keys, and has nothing to do. */
  composer: RegExp;
  /** Of a conversation that is resumed, whose last words were `The file is made.`; default: the composer alone. */
  resumed?: RegExp;
  /** Exit code of the program, ended by its keys. */
  exitCode: number;
  /** Empties the composer. */
  clear: string;
  /** Of its flows; without, as many as other CLIs. Some need seconds of a core to start. */
  atATime?: number;
  /** Names of flows that it has no use for. */
  without?: readonly string[];
}
