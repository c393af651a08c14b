/** Commands on agents and their messages (DESIGN §7). `session` may also name an older session of the agent. */
import { z } from 'zod';
import { MESSAGE_BYTES, MESSAGE_WAIT_MS, NAME_BYTES } from '../../limits.ts';
import { activity, agentMode, messagePriority, messageState, sender } from './agents-facts.ts';
import { choice, flag, list, NO_CONTROLS, OBJECT, text, whole, withoutControls } from './fields.ts';
import { argument, selector, tooLarge } from './terms.ts';
import { ourCommands } from './variants.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const WEEK_MS = 7 * DAY_MS;
const SELECTED_SESSIONS = 256;
const LISTED_MESSAGES = 1_000;
const ANSWER_BYTES = 16 * 1024;

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const messageId = text(1, NAME_BYTES).refine((value) => ULID.test(value), { error: 'must be a ULID' });
const name = text(1, NAME_BYTES).refine(withoutControls, NO_CONTROLS);
const body = z
  .string({ error: 'must be a string' })
  .refine((value) => value !== '', { error: 'must not be empty' })
  .refine((value) => Buffer.byteLength(value) <= MESSAGE_BYTES, tooLarge(MESSAGE_BYTES))
  .meta({ minLength: 1, maxLength: MESSAGE_BYTES });

/** A restart policy as it is given: what is left out has its default. */
const policyGiven = z.object(
  {
    when: choice(['never', 'on_failure', 'always']),
    max_restarts: whole(0, 1_000).exactOptional().describe('Default 5'),
    within_ms: whole(1_000, DAY_MS).exactOptional().describe('Default 600,000'),
    backoff_ms: whole(0, DAY_MS).exactOptional().describe('Default 1,000'),
    backoff_max_ms: whole(0, DAY_MS).exactOptional().describe('Default 300,000'),
  },
  OBJECT,
);

const worktree = z.union(
  [
    z.object({ branch: text(1, NAME_BYTES).exactOptional(), base: text(1, NAME_BYTES).exactOptional() }, OBJECT),
    z.literal(true, { error: 'must be true or an object' }),
  ],
  { error: 'must be true or an object' },
);

/** What `create_session` says of the agent that the session runs. */
export const agentGiven = z.object(
  {
    profile: name,
    mode: agentMode.exactOptional().describe('Default pty'),
    args: list(argument).exactOptional().describe("Appended to the profile's argv"),
    conversation: text(1, NAME_BYTES)
      .refine(withoutControls, NO_CONTROLS)
      .refine((value) => !value.startsWith('-'), { error: 'must not begin with "-": it would be an option' })
      .exactOptional()
      .describe('To resume'),
    restart: policyGiven.exactOptional().describe('Default: never'),
    worktree: worktree.exactOptional().describe('A git worktree of its own to work in'),
    prompt: body.exactOptional().describe('Its first message'),
    share_directory: flag.exactOptional().describe('Other agents may work in its directory, too'),
  },
  OBJECT,
);

const delivery = {
  priority: messagePriority.exactOptional().describe('Default normal'),
  ttl_ms: whole(1, WEEK_MS).exactOptional().describe('Not delivered by then: expired. Default 24 h'),
  answer_ms: whole(1, WEEK_MS).exactOptional().describe('Not answered that long after delivery: failed. Default 2 h'),
};
const ofAgent = { session: selector };

const select = z
  .object(
    {
      agent: name.exactOptional().describe('Of this profile'),
      sessions: list(selector, SELECTED_SESSIONS).exactOptional(),
      activity: activity.exactOptional(),
      all: z.literal(true, { error: 'must be true' }).exactOptional(),
    },
    OBJECT,
  )
  .refine((given) => Object.keys(given).length > 0, { error: 'must name agents, or all: true' });

export const AGENTS_COMMANDS = ourCommands({
  send_message: [
    'Puts a message into the inbox of an agent; answered when it is durable',
    {
      to: selector,
      body,
      message_id: messageId.exactOptional().describe('A ULID; the same id again is the same message'),
      ...delivery,
      reply_to: messageId.exactOptional().describe('The message that this one answers'),
      from: sender.exactOptional().describe('The server says who sends; another is forbidden'),
    },
  ],
  broadcast_message: ['Sends to every agent that meets all of `select`', { select, body, ...delivery }],
  cancel_message: ['Gives a message up; its turn is interrupted', { message: messageId }],
  get_message: [
    'One message',
    {
      message: messageId,
      wait_ms: whole(0, MESSAGE_WAIT_MS)
        .exactOptional()
        .describe('Answered when it has its outcome, or after so many ms. Default 0'),
    },
  ],
  list_messages: [
    'Messages, newest last',
    {
      session: selector.exactOptional().describe('Of this agent'),
      state: messageState.exactOptional(),
      sent: z.literal(true, { error: 'must be true' }).exactOptional().describe('Those it sent, not those it got'),
      limit: whole(1, LISTED_MESSAGES).exactOptional().describe('The newest; default 100'),
    },
  ],
  list_agents: ['All agents', {}],
  get_agent: ['One agent', ofAgent],
  explain_agent: ['Why its status is what it is', ofAgent],
  list_profiles: ['The agent profiles of this home', {}],
  get_profile: ['One agent profile, whole', { profile: name }],
  answer_request: [
    'Answers what an agent asks a person',
    {
      ...ofAgent,
      request: text(1, NAME_BYTES).exactOptional().describe('Default: the only one'),
      choice: text(1, NAME_BYTES).describe('Id of a choice, or allow, allow_always, deny by meaning'),
      text: text(0, ANSWER_BYTES).exactOptional(),
    },
  ],
  interrupt_agent: ['Stops what the agent is doing', ofAgent],
  resume_agent: [
    'Starts an agent that is over again, with its conversation',
    { ...ofAgent, force: flag.exactOptional().describe('Also when something of the last session is still there') },
  ],
  restart_agent: ['Ends an agent and starts it again', { ...ofAgent, reason: text(0, NAME_BYTES).exactOptional() }],
  set_restart_policy: ['When it is started again', { ...ofAgent, policy: policyGiven }],
  park_agent: ['Holds its messages and restarts back', ofAgent],
  unpark_agent: ['Lets a parked agent go on', ofAgent],
  get_worktree: [
    "An agent's git worktree: what only it has",
    { ...ofAgent, diff: flag.exactOptional().describe('With the changes since its base as a patch') },
  ],
  remove_worktree: ['Takes the worktree of an agent that is over away; refused while work would be lost', ofAgent],
});
