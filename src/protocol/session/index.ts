/** The session socket: frames, commands, events (WIRES §2). */
export * from './decoder.ts';
export * from './frames.ts';
export * from './messages.ts';
export * from './parse.ts';
export * from './variants.ts';
