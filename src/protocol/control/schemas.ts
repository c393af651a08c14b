/** The schemas' door. Only srv imports it: a schema library costs every other process start-up time and memory. */
export { parseCommand, parseControlCommand } from './schemas/parse.ts';
