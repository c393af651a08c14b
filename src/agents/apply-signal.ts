import type { ProfileReader, Signal, StatusBoard } from './contract.ts';

/**
 * Puts a title, progress, prompt mark, OSC 7501 report or reset on the board, as far as the profile trusts it; the
 * other signals it leaves alone. Returns what is wrong with a report.
 */
export function applySignal(board: StatusBoard, reader: ProfileReader, signal: Signal, now: number): string | null {
  switch (signal.signal) {
    case 'title': {
      const finding = reader.title(signal.title);
      if (finding === null) board.withdraw('osc', 'title');
      else board.add({ ...finding, until: null }, now);
      return null;
    }
    case 'progress':
    case 'mark': {
      const finding = reader.terminal(signal);
      if (finding === null) board.withdraw('osc', signal.signal);
      else if (finding !== undefined) board.add(finding, now);
      // A shell asks for the next command: whoever reported before has left.
      if (signal.signal === 'mark' && signal.mark === 'A') board.programReset('prompt');
      return null;
    }
    case 'program_status':
      return reader.profile.program_status ? board.programStatus(signal.pairs, now) : null;
    case 'reset':
      board.programReset('reset');
      return null;
    case 'bell':
    case 'program_query':
      return null;
  }
}
