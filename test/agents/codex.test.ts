/** Codex on the real product: what is said of it is true, and what is sent to it arrives. */
import { codex } from './cli/codex.ts';
import { reportsAlone, reportsAttached } from './product/reports.ts';
import { prove } from './product/suite.ts';

prove(
  codex,
  {
    trust: /Trust and continue/u,
    // Its first screen has a composer before it knows its model.
    composer: /Ask Codex to do anything\n[^]*← for agents/u,
    exitCode: 0,
    clear: '\x15\x15\x15',
  },
  {
    'reports its status with nobody there': reportsAlone('codex'),
    'reports its status with somebody attached': reportsAttached('codex'),
  },
);
