/**
 * A plugin for opencode that tells Holdfast what its event stream says (docs of opencode: plugins; events of 1.18). It runs
 * within the agent, so it never throws and never makes it wait: reports are handed to the hook command one after the
 * other, and beyond a bound the oldest are dropped.
 */
export const OPENCODE_PLUGIN = `import { spawn } from 'node:child_process';

const WAITING = 64;
const REMEMBERED = 200;
const CHARACTERS = 200000;

export const Holdfast = async () => {
  const command = process.env.HOLDFAST_REPORT;
  if (!command) return {};
  const waiting = [];
  let telling = false;
  const tell = () => {
    const next = waiting.shift();
    telling = next !== undefined;
    if (!telling) return;
    const child = spawn('/bin/sh', ['-c', command + ' ' + next.name], { stdio: ['pipe', 'ignore', 'ignore'] });
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      tell();
    };
    child.on('error', end);
    child.on('close', end);
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(next.payload));
  };
  const report = (name, payload) => {
    waiting.push({ name, payload });
    if (waiting.length > WAITING) waiting.shift();
    if (!telling) tell();
  };

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
      const response = [...turn.texts.values()].join('\\n\\n').slice(0, CHARACTERS);
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
