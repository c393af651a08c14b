export { StreamJsonSpeaker } from './speaker.ts';
