// Injected into CommonJS bundles whose sources ask for import.meta.url.
export const importMetaUrl = require('node:url').pathToFileURL(__filename).href;
