/** Which request of an agent an answer is to, and which choice it makes. */
import type { AgentRequest, RequestChoice } from '../../protocol/agent/index.ts';
import type { AgentsCommand } from '../../protocol/control/index.ts';
import { HoldfastError, invalid } from '../../protocol/index.ts';
import type { Agent } from './state.ts';

type Answer = Extract<AgentsCommand, { cmd: 'answer_request' }>;

/** Throws `not_found`, `ambiguous`, `invalid_argument`. */
export function chooseAnswer(agent: Agent, { request, choice }: Answer): { request: AgentRequest; choice: string } {
  const chosen = selectRequest(agent, request);
  return { request: chosen, choice: selectChoice(chosen, choice) };
}

function selectRequest({ requests, session_id }: Agent, requestId: string | undefined): AgentRequest {
  const [first, second] = requests;
  if (requestId !== undefined) {
    const found = requests.find(({ request_id }) => request_id === requestId);
    if (found !== undefined) return found;
  } else if (second !== undefined) {
    throw new HoldfastError('ambiguous', `${requests.length} requests are open; name one`, {
      field: 'request',
      details: { candidates: requests.map(({ request_id, kind, text }) => ({ request_id, kind, text })) },
    });
  } else if (first !== undefined) return first;
  throw new HoldfastError(
    'not_found',
    `the agent of session ${session_id} asks nothing${requestId === undefined ? '' : ' of that id'} now`,
    {
      field: 'request',
    },
  );
}

/** By id, else by what it means; a request without choices takes any text. */
function selectChoice({ choices }: AgentRequest, named: string): string {
  const found =
    choices.find(({ id }) => id === named) ??
    only(
      choices.filter(({ meaning }) => meaning === named),
      named,
    );
  if (found !== undefined) return found.id;
  if (choices.length === 0) return named;
  const known = choices.map(({ id, label }) => `${id} (${label})`).join(', ');
  throw invalid('choice', `choice "${named}" is none of this request; it has ${known}`);
}

function only(choices: readonly RequestChoice[], named: string): RequestChoice | undefined {
  if (choices.length < 2) return choices[0];
  throw new HoldfastError('ambiguous', `several choices mean ${named}; name one by its id`, {
    field: 'choice',
    details: { candidates: choices },
  });
}
