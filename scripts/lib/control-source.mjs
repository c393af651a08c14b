// Loads the control socket's schemas and registry from their TypeScript sources.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import { inRoot } from './project.mjs';

export async function loadControlSource() {
  // Inside the project, so that zod is found where the bundle runs.
  const directory = mkdtempSync(inRoot('node_modules', '.holdfast-schemas-'));
  try {
    const outfile = join(directory, 'control.mjs');
    await esbuild.build({
      stdin: {
        contents: `
          export { PUBLISHED } from './schemas/published.ts';
          export { COMMAND_REGISTRY, EVENT_REGISTRY } from './registry.ts';
          export { ERROR_EXIT_STATUS } from '../errors.ts';`,
        resolveDir: inRoot('src', 'protocol', 'control'),
        loader: 'ts',
      },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: ['zod'],
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
