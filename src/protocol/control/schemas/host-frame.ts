/**
 * What a host gets (seed 0, WIRES §1): to one with capability `host_frames` the body is nested, with its place on the
 * link; to any other it is the seed's, the body's fields beside `kind`. There the tag is lost where a body has a `kind`
 * of its own, so those bodies go without a frame, as the seed sends every event.
 */
import { z } from 'zod';
import { choice, OBJECT, ours, u53 } from './fields.ts';

const tag = choice(['event', 'command']);

export const hostFrame = ours(
  z.object({
    frame: tag,
    epoch: z.string().describe('Of the link'),
    seq: u53.describe('From 1 in each epoch'),
    body: z.record(z.string(), z.unknown(), OBJECT).describe('A host command, or an event with its envelope'),
  }),
);

export const seedHostFrame = z.looseObject({ kind: tag });
