/** The emulator by itself, for output that was recorded: whatever it would answer goes nowhere. */
import type { Emulator } from './emulator.ts';

export async function openEmulator(rows: number, cols: number): Promise<Emulator> {
  const { createEmulator } = await import('./emulator.ts');
  return createEmulator(rows, cols, { reply() {}, cleared() {} });
}
