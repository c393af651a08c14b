/** `srv_snapshot.state`: what the seed's tuples leave out. With them it is the whole state. */
import { z } from 'zod';
import { agentRecord, messageRecord } from './agents-facts.ts';
import { connectionKind } from './connection.ts';
import { ours } from './fields.ts';
import { placedNode } from './layout.ts';
import { json } from './meta.ts';
import { sessionRecord } from './sessions.ts';

const id = z.string();
const pairs = <T extends z.ZodType>(value: T) => z.array(z.tuple([id, value]));

export const snapshotState = ours(
  z.object({
    tab_order: pairs(z.array(id)).describe('[workspace, [tab …]]'),
    block_order: pairs(z.array(id)).describe('[tab, [block …]]'),
    layouts: pairs(placedNode.nullable()).describe('[tab, tree]'),
    focus: pairs(z.object({ focused: id, magnified: id })).describe('[tab, node ids; "": none]'),
    windows: pairs(id).describe('[window, workspace]'),
    meta: z
      .object({ workspaces: pairs(json), tabs: pairs(json), blocks: pairs(json), windows: pairs(json) })
      .describe('[id, meta]'),
    bindings: pairs(id).describe('[block, session]'),
    connections: pairs(z.object({ pid: z.int(), kind: connectionKind, version: z.string() })).describe(
      '[client_id, process]',
    ),
    sessions: z.array(sessionRecord),
    agents: z.array(agentRecord),
    messages: z.array(messageRecord).describe('Those without an outcome'),
    sagas: z.array(z.unknown()).describe('None yet'),
  }),
);
