/** What a shim that is gone had done about a message: the last line on it in the session's outcomes file. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OUTCOMES_FILE, type OutcomeLine } from '../../protocol/agent/index.ts';

/** Null: no line, so nothing of it was typed. A last line that is not whole was not written before its act began. */
export async function lastOutcome(sessionDir: string, messageId: string): Promise<OutcomeLine | null> {
  let text: string;
  try {
    text = await readFile(join(sessionDir, OUTCOMES_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  for (let end = text.length; end > 0; ) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    const line = text.slice(start, end);
    // Most lines are of other messages.
    const found = line.includes(messageId) ? parsed(line) : null;
    if (found?.message_id === messageId) return found;
    end = start - 1;
  }
  return null;
}

function parsed(line: string): OutcomeLine | null {
  try {
    const value = JSON.parse(line) as OutcomeLine;
    return value.outcome === 1 ? value : null;
  } catch {
    return null; // Torn by the death of its writer.
  }
}
