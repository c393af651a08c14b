/** The session socket: frames, commands, events (WIRES §2). */
export * from './frames.ts';
export * from './messages.ts';
export * from './parse.ts';
