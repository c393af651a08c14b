/** What control messages say about agents and their messages; the types of `protocol/agent` are checked here. */
import { z } from 'zod';
import type {
  Activity,
  AgentRequest,
  AgentStatus,
  AgentTask,
  AgentUsage,
  Attention,
  Evidence,
  Explanation,
  MessageOutcome,
  MessagePriority,
  MessageState,
  Parked,
  RequestChoice,
  RestartPolicy,
} from '../../agent/index.ts';
import { choice, flag, ours, u53 } from './fields.ts';

type Whole<T> = z.ZodType<T> & { shape: Record<keyof T, unknown> };

const string = z.string();
const number = z.number();
const list = <T extends z.ZodType>(item: T) => z.array(item);
const time = u53.describe('Ms since the Unix epoch');

export const activity = choice([
  'unknown',
  'starting',
  'idle',
  'working',
  'done',
  'error',
  'dead',
]) satisfies z.ZodType<Activity>;
export const attention = choice([
  'none',
  'permission',
  'question',
  'auth',
  'exhausted',
  'quota',
]) satisfies z.ZodType<Attention>;
const evidenceSource = choice(['process', 'protocol', 'psp', 'hook', 'osc', 'screen']);
export const agentMode = choice(['pty', 'acp', 'stream_json']);
export const messagePriority = choice(['low', 'normal', 'high', 'urgent']) satisfies z.ZodType<MessagePriority>;
export const messageOutcome = choice([
  'answered',
  'failed',
  'expired',
  'refused',
  'cancelled',
  'indeterminate',
]) satisfies z.ZodType<MessageOutcome>;
export const messageState = choice([
  'accepted',
  'delivering',
  'delivered',
  ...messageOutcome.options,
]) satisfies z.ZodType<MessageState>;

const agentTask = z.object({
  path: string.describe("Its ids from the agent's down, such as build/tests"),
  app: string,
  activity,
  attention,
  progress: number.nullable().describe('0 to 100; null: not told'),
  title: string,
  message: string,
  since: time,
}) satisfies Whole<AgentTask>;

export const agentStatus = ours(
  z.object({
    activity,
    attention,
    since: time.describe('Since when both are as they are, ms since the Unix epoch'),
    summary: string,
    source: choice(['process', 'protocol', 'psp', 'hook', 'osc', 'screen', 'none']).describe(
      'Of the evidence that decided the activity',
    ),
    rule: string,
    confidence: number.describe('0 to 1'),
    tasks: list(agentTask).describe('Tasks and sub-agents'),
  }),
) satisfies Whole<AgentStatus>;

const requestChoice = z.object({
  id: string,
  label: string,
  meaning: choice(['allow', 'allow_always', 'deny']).nullable(),
}) satisfies Whole<RequestChoice>;

export const agentRequest = ours(
  z.object({
    request_id: string,
    kind: choice(['permission', 'question', 'auth', 'trust']),
    text: string,
    choices: list(requestChoice),
    since: time,
    source: string,
  }),
) satisfies Whole<AgentRequest>;

export const agentUsage = ours(
  z.object({
    input_tokens: u53.describe('Of the last request to the model: what fills the context'),
    cached_input_tokens: u53,
    cache_creation_input_tokens: u53,
    cache_read_input_tokens: u53,
    output_tokens: u53,
    reasoning_output_tokens: u53,
    context_limit_tokens: u53.nullable().describe('Null: the agent does not tell'),
    used_tokens: u53,
    usage_pct: number.nullable(),
    model: string.nullable(),
  }),
) satisfies Whole<AgentUsage>;

export const restartPolicy = ours(
  z.object({
    when: choice(['never', 'on_failure', 'always']),
    max_restarts: u53.describe('Within `within_ms`; one more parks the agent'),
    within_ms: u53,
    backoff_ms: u53.describe('Before the first restart of a row; each further one waits twice as long'),
    backoff_max_ms: u53,
  }),
) satisfies Whole<RestartPolicy>;

export const parkReason = choice(['quota', 'auth', 'restarts_exhausted', 'survivors', 'requested']);
export const parked = ours(
  z.object({ reason: parkReason, since: time, until: time.nullable().describe('Null: until somebody unparks it') }),
) satisfies Whole<Parked>;

export const worktreeFact = ours(z.object({ path: string, branch: string }));

export const worktreeState = ours(
  z.object({
    path: string,
    branch: string,
    base: string.describe('Commit it started from'),
    unsaved: list(string).describe('Files with changes that no commit has'),
    commits: u53.describe('Commits that no other branch, tag or remote has'),
  }),
);

/** Who sent or answered something: the server says so, from the connection it came over. */
export const sender = ours(
  z.object({
    kind: choice(['person', 'agent', 'tool']).describe(
      'person: whoever has the instance secret; agent: a session’s program; tool: the runtime itself',
    ),
    name: string.describe('Of a person: their user name'),
    session_id: string.nullable().describe('Of the agent that sent it'),
  }),
);

export const messageRecord = ours(
  z.object({
    message_id: string,
    agent_id: string,
    session_id: string.nullable().describe('It was delivered to; null before'),
    from: sender,
    body: string,
    priority: messagePriority,
    state: messageState,
    reason: string.nullable().describe('Of its outcome: snake_case'),
    response: string.nullable().describe('What the agent answered'),
    truncated: flag.describe('The response was longer'),
    created_at: time,
    delivered_at: time.nullable(),
    closed_at: time.nullable(),
    expires_at: time.describe('Not delivered by then: expired'),
    answer_by: time.nullable().describe('Not answered by then: failed; null before it is delivered'),
    reply_to: string.nullable(),
    position: u53.nullable().describe('In the queue, 1 is the next; null when it is not waiting'),
  }),
);

export const agentRecord = ours(
  z.object({
    agent_id: string.describe('Id of its first session'),
    session_id: string.describe('Its current session'),
    name: string.nullable(),
    profile: string,
    mode: agentMode,
    cli_version: string.nullable(),
    status: agentStatus,
    requests: list(agentRequest),
    conversation_id: string.nullable(),
    usage: agentUsage.nullable(),
    policy: restartPolicy,
    parked: parked.nullable(),
    restarts: u53.describe('How often it was started again'),
    queue: z.object({ waiting: u53, delivering: string.nullable().describe('The message under way') }),
    cwd: string,
    worktree: worktreeFact.nullable(),
    sessions: list(string).describe('Its sessions, oldest first'),
  }),
);

const evidence = z.object({
  source: evidenceSource,
  rule: string,
  activity: activity.nullable(),
  attention: attention.nullable(),
  since: time,
  seen: time,
  confidence: number,
  until: time.nullable(),
  detail: string,
});
evidence satisfies Whole<Evidence>;

export const explanation = ours(
  z.object({
    status: agentStatus,
    profile: z.object({ name: string, revision: u53, cli: string.nullable() }),
    evidence: list(
      evidence.extend({
        decided: list(choice(['activity', 'attention'])),
        reason: string.describe('Why it decided nothing; empty when it did'),
      }),
    ),
    rules: list(z.object({ id: string, matched: flag, reason: string })).describe('Tried on the last screen'),
    cost: z.object({ evaluations: u53, total_ms: number, slowest_ms: number }),
  }),
) satisfies Whole<Explanation>;

export const profileRecord = ours(
  z.object({
    name: string,
    title: string,
    revision: u53,
    cli_versions: string.nullable().describe('Versions it was recorded with, as a range; null: any'),
    modes: list(agentMode),
    source: choice(['built_in', 'config']),
  }),
);
