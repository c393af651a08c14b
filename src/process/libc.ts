/**
 * The C library's calls that Node does not have, through koffi where it is installed and loads.
 *
 * Only koffi's native file is loaded: 0.3 MiB and 1 ms instead of the 1.2 MiB and 8 ms which its package costs, in every
 * shim.
 */
import { createRequire } from 'node:module';
import { loadNativeFile } from './native-file.ts';

/** Each returns what the C function returns: −1 for a failure. */
export interface LibC {
  prctl(option: number, a: number, b: number, c: number, d: number): number;
  waitpid(pid: number, status: null, options: number): number;
  fcntl(fd: number, command: number, value: number): number;
  /** Fills `fds` with the read and the write end. */
  pipe2(fds: Int32Array, flags: number): number;
}

interface Binding {
  load(path: null): { func(prototype: string): (...args: unknown[]) => number };
}

/** Undefined where koffi is missing, does not load or this is not Linux. */
export async function loadLibC(): Promise<LibC | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    const binding = loadBinding();
    const library = binding.load(null);
    return {
      prctl: library.func('int prctl(int, ulong, ulong, ulong, ulong)'),
      waitpid: library.func('int waitpid(int, int *, int)'),
      fcntl: library.func('int fcntl(int, int, int)'),
      pipe2: library.func('int pipe2(_Out_ int *, int)'),
    };
  } catch {
    // Optional by design: without it containment is `marked`, which is reported wherever a session is shown.
    return undefined;
  }
}

/** The files of koffi's platform package; the one for the other C library does not load. */
function loadBinding(): Binding {
  const fileFor = (libc: string): string => `@koromix/koffi-linux-${process.arch}/${libc}_${process.arch}/koffi.node`;
  try {
    return load(fileFor('linux'));
  } catch {
    // Not glibc, or not there: the caller sees the second error.
    return load(fileFor('musl'));
  }
}

function load(file: string): Binding {
  const found = loadNativeFile(file) as Binding | undefined;
  if (found !== undefined) return found;
  return createRequire(createRequire(import.meta.filename).resolve('koffi'))(file) as Binding;
}
