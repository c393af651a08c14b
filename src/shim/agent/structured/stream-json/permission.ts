/** `can_use_tool`: a tool that needs a permission, or a question to the person that comes as one. */
import type { AgentRequest, RequestChoice } from '../../../../protocol/agent/index.ts';
import type { RequestReply, SpeakerPort } from '../contract.ts';
import { cut, type Fields, line, objectOf, objectsOf, shown, textOf } from '../fields.ts';

type Asked = Omit<AgentRequest, 'since' | 'source'>;
type Reply = Parameters<SpeakerPort['ask']>[1];

/** What a `control_response` says: its `response.response`, or null when the request was withdrawn. */
export type Decide = (decision: Record<string, unknown> | null) => ReturnType<Reply>;

const TEXT_CHARACTERS = 1_000;
const QUESTION_COUNT = 8;
const CHOICE_COUNT = 16;
const DENIED = 'The user does not want this.';

/** The requests to put to a person; several only for several questions, of which the last answer answers them all. */
export function requestsOf(requestId: string, asked: Fields, decide: Decide): [Asked, Reply][] {
  const input = objectOf(asked['input']) ?? {};
  const questions = asked['tool_name'] === 'AskUserQuestion' ? objectsOf(input['questions']) : [];
  if (questions.length > 0 && questions.length <= QUESTION_COUNT) return ask(requestId, input, questions, decide);
  return [permission(requestId, asked, input, decide)];
}

function permission(requestId: string, asked: Fields, input: Fields, decide: Decide): [Asked, Reply] {
  const suggestions = Array.isArray(asked['permission_suggestions']) ? asked['permission_suggestions'] : [];
  const choices: RequestChoice[] = [{ id: 'allow', label: 'Allow once', meaning: 'allow' }];
  if (suggestions.length > 0)
    choices.push({ id: 'allow_always', label: 'Allow and do not ask again', meaning: 'allow_always' });
  choices.push({ id: 'deny', label: 'Deny', meaning: 'deny' });
  const name = line(asked['display_name'] ?? asked['tool_name']);
  const described = line(asked['description']);
  const text = cut(
    [`${name}${described === '' ? '' : `: ${described}`}`, shown(summaryOf(input), TEXT_CHARACTERS)].join('\n'),
    TEXT_CHARACTERS,
  );
  const reply = (given: RequestReply) => {
    if (given === null) return decide(null);
    if (given.choice?.meaning === 'deny')
      return decide({ behavior: 'deny', message: given.text === '' ? DENIED : given.text, interrupt: false });
    const always = given.choice?.meaning === 'allow_always' ? { updatedPermissions: suggestions } : {};
    return decide({ behavior: 'allow', updatedInput: input, ...always });
  };
  return [{ request_id: requestId, kind: 'permission', text, choices }, reply];
}

/** The command or the file where there is one, else all of it. */
function summaryOf(input: Fields): unknown {
  return textOf(input['command']) ?? textOf(input['file_path']) ?? textOf(input['url']) ?? input;
}

function ask(requestId: string, input: Fields, questions: Fields[], decide: Decide): [Asked, Reply][] {
  const answers: Record<string, string> = {};
  let open = questions.length;
  return questions.map((question, index) => {
    const text = textOf(question['question']) ?? '';
    const choices = objectsOf(question['options'])
      .slice(0, CHOICE_COUNT)
      .map(({ label }, at): RequestChoice => ({ id: `${at + 1}`, label: line(label), meaning: null }));
    const id = questions.length === 1 ? requestId : `${requestId}/${index + 1}`;
    const reply = (given: RequestReply): ReturnType<Reply> => {
      if (given === null) return decide(null);
      answers[text] = given.choice?.label ?? given.text;
      open--;
      return open > 0 ? Promise.resolve('written') : decide({ behavior: 'allow', updatedInput: { ...input, answers } });
    };
    return [{ request_id: id, kind: 'question', text: shown(text, TEXT_CHARACTERS), choices }, reply];
  });
}
