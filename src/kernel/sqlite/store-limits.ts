import type { StoreLimits } from './messages.ts';

const MIB = 1024 * 1024;

export const DEFAULT_STORE_LIMITS: StoreLimits = {
  max_bytes: 0,
  checkpoint_pages: 1_000,
  journal_bytes: 16 * MIB,
  busy_ms: 5_000,
  full_check_bytes: 16 * MIB,
};
