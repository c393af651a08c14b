/**
 * The workspaces vocabulary (seed 2): layout trees, commands and events. Types only, inferred from `schemas/`; whoever
 * imports them loads no schema library. An optional field of a command that is absent means its default.
 */
import type { z } from 'zod';
import type { LayoutNode, place, resizeOp, splitPosition } from './schemas/layout.ts';
import type { UnionOf } from './schemas/variants.ts';
import type { WORKSPACES_EVENTS } from './schemas/workspaces-events.ts';
import type { WORKSPACES_COMMANDS } from './schemas/workspaces.ts';

export type { LayoutNode };
export type FlexDirection = LayoutNode['flexDirection'];
export type ResizeOp = z.infer<typeof resizeOp>;
export type SplitPosition = z.infer<typeof splitPosition>;
/** Where `create_block` puts the leaf of the new block. */
export type BlockPlace = z.infer<typeof place>;

export type WorkspacesCommand = UnionOf<typeof WORKSPACES_COMMANDS>;
export type WorkspacesEvent = UnionOf<typeof WORKSPACES_EVENTS>;
