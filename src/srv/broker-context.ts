/** What the parts of the broker share. */
import type { HomePaths } from '../protocol/home/index.ts';
import type { Clock, Faults } from '../runtime/index.ts';
import type { Journal } from './journal.ts';
import type { Observer } from './observer.ts';

export interface BrokerContext {
  readonly paths: HomePaths;
  /** The instance secret, quoted to shims. */
  readonly token: string;
  readonly version: string;
  readonly bootId: string;
  /** This srv's epoch. */
  readonly epoch: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly observer: Observer;
  /** Safe mode: sessions are looked at, nothing of them is changed. */
  readonly readOnly: boolean;
}
