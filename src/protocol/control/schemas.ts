/** The schemas' door. Only srv imports it: a schema library costs every other process start-up time and memory. */
export { parseCommand, parseSrvCommand } from './schemas/parse.ts';
