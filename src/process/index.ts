/** Facts about processes of the operating system, and the tree of a session's processes with its end. */
export { becomeSubreaper, type Containment, markedOnly } from './containment.ts';
export { holdersOf, type OutputEnd } from './holders.ts';
export { bootId, isAlive, processIdentity, signalIdentity } from './identity.ts';
export { type LibC, loadLibC } from './libc.ts';
export { type Membership, RUNTIME_MARK, SESSION_MARK } from './membership.ts';
export { type ProcessIdentity, type ProcessRow, type ProcessTable, systemTable } from './table.ts';
export { type ExitStatus, ProcessTree, type ProcessTreeOptions } from './tree.ts';
