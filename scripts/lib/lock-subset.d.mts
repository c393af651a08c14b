interface Lock {
  packages: Record<string, object>;
}

interface Manifest {
  dependencies: Record<string, string>;
}

export function subsetOfLock<M extends Manifest, L extends Lock>(
  manifest: M,
  lock: L,
  names: readonly string[],
): { manifest: M; lock: L };
