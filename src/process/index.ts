/** Facts about processes of the operating system, and the tree of a session's processes with its end. */
export { becomeSubreaper, type Containment } from './containment.ts';
export type { OutputEnd } from './holders.ts';
export { bootId, isAlive, processIdentity } from './identity.ts';
export { type LibC, loadLibC } from './libc.ts';
export { loadNativeFile } from './native-file.ts';
export { RUNTIME_MARK, SESSION_MARK } from './membership.ts';
export { type ProcessIdentity, systemTable } from './table.ts';
export { type ExitStatus, ProcessTree } from './tree.ts';
