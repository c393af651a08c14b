export const CELL_BYTES: number;
export const CELL_PTY_BYTES: number;
export function oracleBytes(from: number, to: number, pty?: boolean): Buffer;
export function ptyLength(bytes: number): number;
export class OracleChecker {
  constructor(options?: { pty?: boolean });
  readonly position: number | undefined;
  readonly bytes: number;
  readonly gapBytes: number;
  data(offset: number, bytes: Buffer): void;
  gap(from: number, to: number): void;
}
