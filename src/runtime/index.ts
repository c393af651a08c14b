/** Ports to the world outside a process – time, identifiers, randomness, fault points – and their real forms. */
export { type Clock, systemClock, VirtualClock, withDeadline } from './clock.ts';
export { createFaults, type FaultPoint, type Faults, noFaults } from './faults.ts';
export { createIds, type Ids, isUlid, systemRandom, ulidTime } from './ids.ts';
export { Recent } from './recent.ts';
