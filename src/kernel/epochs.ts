/** Which cursors a log can serve (DESIGN §4): the chain of epochs says where each start of the writer began. */
import { HoldfastError, invalid } from '../protocol/index.ts';
import type { Epoch } from './contract.ts';

/**
 * Checks a cursor "saw everything up to `since`, while `epoch` was the newest". A version before the epoch's own range
 * is that epoch's past, the same in every log that has this epoch; one beyond its range was written by a history this
 * log does not have (a restored backup).
 */
export function checkCursor(epochs: readonly Epoch[], version: number, since: number, epoch: string | undefined): void {
  if (!Number.isSafeInteger(since) || since < 0) {
    throw invalid('since', 'since must be a version: an integer from 0 on');
  }
  if (epoch === undefined) {
    if (since > version) throw ahead(since, version);
    return;
  }
  const index = epochs.findIndex((known) => known.id === epoch);
  if (index < 0) throw unknown(epoch, `epoch ${epoch} is not in this log`);
  const successor = epochs[index + 1];
  const last = successor === undefined ? version : successor.first_version - 1;
  if (since > last) throw unknown(epoch, `version ${since} is beyond the end of epoch ${epoch} in this log (${last})`);
}

function unknown(epoch: string, what: string): HoldfastError {
  return new HoldfastError('epoch_unknown', `${what}: take a new snapshot`, { field: 'epoch', details: { epoch } });
}

function ahead(since: number, version: number): HoldfastError {
  return new HoldfastError('offset_ahead', `since is ${since} but the current version is ${version}`, {
    field: 'since',
    details: { version },
  });
}
