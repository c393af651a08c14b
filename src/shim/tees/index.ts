/** Tees: copies of a stream into a ring in memory or a file, each a cursor of its own (seed 4). */
export { TeeRegistry } from './registry.ts';
