/**
 * A plugin for opencode that tells Holdfast what its event stream says (docs of opencode: plugins; events of 1.18). It runs
 * within the agent, so it never throws and never waits: a report is a file in the queue of the session whose directory
 * it lies in, where the shim takes it when it appears. The first process that loads it has it: an opencode that the agent
 * itself starts inherits the configuration, and is somebody else.
 */
export const OPENCODE_PLUGIN = `import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const REMEMBERED = 200;
// More than a response may have, so that who reads it knows that it was cut.
const CHARACTERS = 66000;
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

function isFirst() {
  const file = here('plugin.pid');
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch {
    try {
      return readFileSync(file, 'utf8') === String(process.pid);
    } catch {
      return false;
    }
  }
}

let lastId = 0;
function ulid() {
  // Reports are taken in the order of their ids: no two of the same millisecond.
  lastId = Math.max(Date.now(), lastId + 1);
  let time = '';
  for (let rest = lastId; time.length < 10; rest = Math.floor(rest / 32)) time = DIGITS[rest % 32] + time;
  return time + [...randomBytes(16)].map((byte) => DIGITS[byte % 32]).join('');
}

function report(name, payload) {
  try {
    const report_id = ulid();
    const temporary = here('reports/.' + report_id);
    writeFileSync(temporary, JSON.stringify({ name, payload, at: Date.now(), report_id }), { flag: 'wx', mode: 0o600 });
    renameSync(temporary, here('reports/' + report_id + '.json'));
  } catch {
    // The session is gone, or its disk is full: the screen still tells.
  }
}

export const Holdfast = async () => {
  if (!isFirst()) return {};
  const children = new Set();
  const prompts = new Set();
  const turns = new Map();
  const remember = (set, value) => {
    set.add(value);
    if (set.size > REMEMBERED) set.delete(set.values().next().value);
  };
  const begin = (session, name, payload = {}) => {
    const turn = { state: name, error: null, message: '', texts: new Map(), usage: undefined };
    turns.delete(session);
    turns.set(session, turn);
    if (turns.size > REMEMBERED) turns.delete(turns.keys().next().value);
    report(name, { session, ...payload });
  };
  const works = (session) => turns.get(session)?.state !== undefined;

  const onStatus = (session, status) => {
    if (children.has(session)) return;
    const turn = turns.get(session);
    if (status.type === 'busy') {
      if (!works(session)) begin(session, 'busy');
      else if (turn.state === 'retry') {
        turn.state = 'busy';
        report('busy', { session });
      }
    } else if (status.type === 'retry') {
      if (!works(session)) begin(session, 'busy');
      turns.get(session).state = 'retry';
      report('retry', { session, message: status.message, attempt: status.attempt });
    } else if (status.type === 'idle' && works(session)) {
      turn.state = undefined;
      const response = [...turn.texts.values()].join('\\n\\n').slice(-CHARACTERS);
      const error = turn.error;
      const payload = { session, response, usage: turn.usage };
      if (error === null) report('idle', payload);
      else if (error.name === 'MessageAbortedError') report('aborted', payload);
      else {
        const { message, statusCode } = error.data ?? {};
        report('failed', { ...payload, error: error.name, message, status: statusCode });
      }
    }
  };

  const onMessage = (session, info) => {
    if (children.has(session)) return;
    if (info.role === 'user') {
      if (prompts.has(info.id)) return;
      remember(prompts, info.id);
      if (!works(session)) begin(session, 'busy');
      return;
    }
    const turn = turns.get(session);
    if (turn === undefined) return;
    if (turn.message !== info.id) {
      turn.message = info.id;
      turn.texts.clear();
    }
    const { input, output, reasoning, cache, total } = info.tokens ?? {};
    if (!(input > 0 || output > 0)) return;
    turn.usage = {
      input_tokens: input,
      output_tokens: output,
      reasoning_output_tokens: reasoning,
      cache_read_input_tokens: cache?.read,
      cache_creation_input_tokens: cache?.write,
      used_tokens: total,
      model: info.providerID + '/' + info.modelID,
    };
  };

  const onPart = (part) => {
    const turn = turns.get(part.sessionID);
    if (part.type !== 'text' || turn === undefined || turn.message !== part.messageID || part.synthetic) return;
    if (part.text) turn.texts.set(part.id, part.text);
  };

  const asked = (name, session, text) => report(name, { session: children.has(session) ? undefined : session, text });
  const take = ({ type, properties }) => {
    const session = properties?.sessionID;
    switch (type) {
      case 'session.created':
      case 'session.updated':
        if (properties.info?.parentID) remember(children, session);
        else if (type === 'session.created') report('session', { session });
        break;
      case 'session.status':
        onStatus(session, properties.status);
        break;
      case 'session.error':
        if (works(session)) turns.get(session).error = properties.error ?? null;
        break;
      case 'message.updated':
        onMessage(session, properties.info);
        break;
      case 'message.part.updated':
        onPart(properties.part);
        break;
      case 'permission.asked':
        asked('permission', session, properties.permission + ' ' + (properties.patterns ?? []).join(' '));
        break;
      case 'question.asked':
        asked('question', session, properties.questions?.[0]?.question ?? '');
        break;
      case 'permission.replied':
      case 'question.replied':
      case 'question.rejected':
        asked('replied', session, properties.reply ?? '');
        break;
    }
  };
  return {
    event: async ({ event }) => {
      try {
        take(event);
      } catch {
        // What it does not know says nothing.
      }
    },
  };
};
`;
