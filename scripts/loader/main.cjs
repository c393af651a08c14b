#!/usr/bin/env node
'use strict';
// The one file every process of ours is started with: `holdfast.cjs [--process=NAME] …` runs the bundle NAME.cjs beside
// it, the command line's by default. Built into dist/holdfast.cjs; the build replaces the constant.
/* global __HOLDFAST_LAZY_CHUNKS__ */
const fs = require('node:fs');
const path = require('node:path');
const { compile, readWrapped } = require('./code-cache.cjs');

const PROCESS_OPTION = '--process=';
const PROCESS_NAME = /^[a-z][a-z-]*$/;
const CHUNK_REQUEST = /^\.\/[\w.-]+\.cjs$/;

const loaded = new Map();
const held = new Map();

start();

function start() {
  let name = 'cli';
  const option = process.argv[2];
  if (option !== undefined && option.startsWith(PROCESS_OPTION)) {
    name = option.slice(PROCESS_OPTION.length);
    process.argv.splice(2, 1);
  }
  const file = path.join(__dirname, `${name}.cjs`);
  if (!PROCESS_NAME.test(name) || !fs.existsSync(file)) {
    process.stderr.write(`holdfast: this installation has no process named "${name}" (${__dirname})\n`);
    process.exit(2);
  }
  if (name !== 'cli') holdChunks(name);
  load(`${name}.cjs`);
}

/**
 * A process that stays, a shim above all, must find the chunks it was built with after an upgrade has replaced the
 * directory: it keeps them open.
 */
function holdChunks(name) {
  for (const chunk of __HOLDFAST_LAZY_CHUNKS__[name] ?? []) {
    try {
      held.set(chunk, fs.openSync(path.join(__dirname, chunk), 'r'));
    } catch {
      // Missing now: the error belongs to whoever asks for it.
    }
  }
}

function readSource(name) {
  const fd = held.get(name) ?? fs.openSync(path.join(__dirname, name), 'r');
  held.delete(name);
  try {
    return readWrapped(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function load(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const filename = path.join(__dirname, name);
  const module = { exports: {}, id: filename, filename, loaded: false };
  loaded.set(name, module);
  try {
    compile(filename, readSource(name)).call(module.exports, module.exports, requireFrom, module, filename, __dirname);
  } catch (error) {
    loaded.delete(name);
    throw error;
  }
  module.loaded = true;
  return module.exports;
}

function requireFrom(request) {
  return CHUNK_REQUEST.test(request) ? load(request.slice(2)) : require(request);
}
requireFrom.resolve = require.resolve;
