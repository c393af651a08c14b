/** The part of the command table about agents and their messages. */
import type { CommandSpec, OptionSpec } from './command.ts';

const timeout: OptionSpec = { name: 'timeout', value: 'TIME', about: 'give up after this long, with status 4' };
const request: OptionSpec = { name: 'request', value: 'REQUEST', about: 'which one, where several are open' };

const answering = () => import('./commands/answer.ts');
const driving = () => import('./commands/agent-control.ts');

/** Options of `run` for a session that runs an agent. */
export const RUN_AGENT_OPTIONS: readonly OptionSpec[] = [
  { name: 'agent', value: 'NAME', about: 'start this agent (holdfast profiles); words after -- are added to its own' },
  { name: 'mode', value: 'MODE', about: 'with --agent: pty (default), acp or stream_json' },
  { name: 'prompt', value: 'TEXT', about: 'with --agent: its first message' },
  { name: 'resume', value: 'CONVERSATION', about: 'with --agent: go on with this conversation' },
  { name: 'restart', value: 'WHEN', about: 'with --agent: never (default), on_failure or always' },
  {
    name: 'worktree',
    value: 'BRANCH',
    optionalValue: true,
    about: 'with --agent: in a git worktree of its own',
  },
];

export const AGENT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'agents',
    group: 'agents',
    usage: '',
    about: 'list agents, first those that need a person',
    options: [{ name: 'follow', short: 'f', about: 'print each change of state instead; resumes by itself' }],
    positionals: [0, 0],
    load: () => import('./commands/agents.ts'),
  },
  {
    name: 'send',
    group: 'agents',
    usage: 'ID TEXT|-',
    about: 'hand a message to an agent ("-": from stdin)',
    details:
      'Prints the message’s id as soon as it is durable. With --wait prints the answer; exit status 0 answered,\n1 failed, refused, cancelled or indeterminate, 4 expired or not within --timeout.\nWith --all or --agent there is no ID: each agent of the selection gets it.',
    options: [
      { name: 'wait', short: 'w', about: 'wait for the outcome and print the answer' },
      { name: 'priority', value: 'PRIORITY', about: 'low, normal (default), high or urgent' },
      { name: 'ttl', value: 'TIME', about: 'how long it may wait to be taken (default 1d)' },
      { name: 'answer-within', value: 'TIME', about: 'how long the agent has for its answer (default 2h)' },
      { name: 'reply-to', value: 'MESSAGE', about: 'the message it answers' },
      { name: 'id', value: 'ULID', about: 'the message’s id: sent again under the same id it is the same message' },
      { name: 'all', about: 'to every agent' },
      { name: 'agent', value: 'NAME', about: 'to every agent of this profile' },
      timeout,
    ],
    positionals: [1, 2],
    load: () => import('./commands/send.ts'),
  },
  {
    name: 'inbox',
    group: 'agents',
    usage: '[ID]',
    about: 'list messages: of an agent, or of all',
    options: [
      { name: 'state', value: 'STATE', about: 'only those: accepted, delivering, delivered, answered, …' },
      { name: 'sent', about: 'those sent from here: from this session, or by people' },
      { name: 'limit', short: 'n', value: 'N', about: 'the newest N (default 100)' },
    ],
    positionals: [0, 1],
    load: () => import('./commands/inbox.ts'),
  },
  {
    name: 'cancel',
    group: 'agents',
    usage: 'MESSAGE…',
    about: 'take messages back; a turn under way is interrupted',
    options: [],
    positionals: [1, Number.POSITIVE_INFINITY],
    load: () => import('./commands/cancel.ts'),
  },
  {
    name: 'explain',
    group: 'agents',
    usage: '[ID]',
    about: 'show why an agent’s status is what it is',
    details:
      'With --recording: the statuses of recorded output, as holdfast logs ID --raw writes it, without a session.',
    options: [
      { name: 'recording', value: 'FILE', about: 'replay these bytes through a profile’s rules' },
      { name: 'agent', value: 'NAME', about: 'with --recording: the profile' },
      { name: 'rows', value: 'N', about: 'with --recording: rows of its terminal (default 24)' },
      { name: 'cols', value: 'N', about: 'with --recording: columns of its terminal (default 80)' },
    ],
    positionals: [0, 1],
    load: () => import('./commands/explain.ts'),
  },
  {
    name: 'approve',
    group: 'agents',
    usage: 'ID [REQUEST]',
    about: 'allow what an agent asks for',
    options: [{ name: 'always', about: 'and the same from now on, where the agent offers that' }],
    positionals: [1, 2],
    load: async () => ({ run: (await answering()).approve }),
  },
  {
    name: 'deny',
    group: 'agents',
    usage: 'ID [REQUEST]',
    about: 'refuse what an agent asks for',
    options: [],
    positionals: [1, 2],
    load: async () => ({ run: (await answering()).deny }),
  },
  {
    name: 'answer',
    group: 'agents',
    usage: 'ID CHOICE [TEXT]',
    about: 'answer an agent’s question, or any request by its choice',
    options: [request],
    positionals: [2, 3],
    load: async () => ({ run: (await answering()).answer }),
  },
  {
    name: 'interrupt',
    group: 'agents',
    usage: 'ID',
    about: 'stop an agent’s turn',
    options: [],
    positionals: [1, 1],
    load: async () => ({ run: (await driving()).interrupt }),
  },
  {
    name: 'resume',
    group: 'agents',
    usage: 'ID',
    about: 'start an agent that has ended again, in its conversation',
    options: [{ name: 'force', short: 'f', about: 'also where another process may still drive it' }],
    positionals: [1, 1],
    load: async () => ({ run: (await driving()).resume }),
  },
  {
    name: 'restart',
    group: 'agents',
    usage: 'ID',
    about: 'end an agent’s session and resume it in a new one',
    options: [{ name: 'reason', value: 'TEXT', about: 'why, for the events' }],
    positionals: [1, 1],
    load: async () => ({ run: (await driving()).restart }),
  },
  {
    name: 'park',
    group: 'agents',
    usage: 'ID',
    about: 'keep messages and restarts from an agent',
    options: [],
    positionals: [1, 1],
    load: async () => ({ run: (await driving()).park }),
  },
  {
    name: 'unpark',
    group: 'agents',
    usage: 'ID',
    about: 'end that, however it came to it',
    options: [],
    positionals: [1, 1],
    load: async () => ({ run: (await driving()).unpark }),
  },
  {
    name: 'transcript',
    group: 'agents',
    usage: 'ID',
    about: 'print a structured agent’s conversation',
    options: [
      { name: 'follow', short: 'f', about: 'go on until the session ends; resumes by itself' },
      { name: 'from', value: 'N', about: 'start at this entry' },
    ],
    positionals: [1, 1],
    load: () => import('./commands/transcript.ts'),
  },
  {
    name: 'profiles',
    group: 'agents',
    usage: '[NAME]',
    about: 'list the agents that can be started, or print one profile as JSON',
    options: [],
    positionals: [0, 1],
    load: () => import('./commands/profiles.ts'),
  },
  {
    name: 'report',
    group: 'agents',
    usage: 'EVENT [PAYLOAD]',
    about: 'for an agent’s hooks: tell its session of an event',
    details:
      'Runs inside a session; the event’s JSON comes on stdin or as PAYLOAD. It prints nothing and returns 0 whatever\nhappens, within two seconds; what nobody takes is kept in the session’s directory until somebody does.',
    options: [],
    positionals: [1, 2],
    load: () => import('./commands/report.ts'),
  },
];
