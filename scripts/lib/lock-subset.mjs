// A package.json and its lock, reduced to some of the direct dependencies and what these need. `npm ci` then installs
// exactly the locked versions of them. Node's standard library only.

/** `names`: direct dependencies to keep. Throws when one is not there. */
export function subsetOfLock(manifest, lock, names) {
  const dependencies = Object.fromEntries(
    names.map((name) => {
      const version = manifest.dependencies[name];
      if (version === undefined) throw new Error(`package.json names no ${name}`);
      return [name, version];
    }),
  );
  const root = { ...lock.packages[''], dependencies };
  const packages = { '': root };
  const open = names.map((name) => locate(lock.packages, '', name));
  while (open.length > 0) {
    const path = open.pop();
    if (path === undefined || packages[path] !== undefined) continue;
    const entry = lock.packages[path];
    packages[path] = entry;
    const needed = { ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies };
    for (const name of Object.keys(needed)) open.push(locate(lock.packages, path, name));
  }
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { manifest: { ...manifest, dependencies }, lock: { ...lock, packages: sorted } };
}

/** As Node looks it up: beside the package that needs it, then further out; undefined: an optional one, not locked. */
function locate(packages, from, name) {
  const parents = from
    .split('/node_modules/')
    .map((_, index, parts) => parts.slice(0, index + 1).join('/node_modules/'));
  const paths = ['', ...parents].map((parent) =>
    parent === '' ? `node_modules/${name}` : `${parent}/node_modules/${name}`,
  );
  return paths.reverse().find((path) => packages[path] !== undefined);
}
