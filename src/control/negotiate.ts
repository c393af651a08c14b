import { HoldfastError } from '../protocol/index.ts';

/** The highest number both ranges hold; throws `unsupported_protocol` naming both. */
export function negotiate(ours: readonly [number, number], theirs: readonly [number, number]): number {
  const highest = Math.min(ours[1], theirs[1]);
  if (highest >= Math.max(ours[0], theirs[0])) return highest;
  throw new HoldfastError(
    'unsupported_protocol',
    `this runtime speaks protocol ${ours[0]} to ${ours[1]}, the client ${theirs[0]} to ${theirs[1]}; upgrade the older of the two`,
    { field: 'protocol', details: { ours, theirs } },
  );
}
