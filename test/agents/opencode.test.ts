/** opencode on the real product: what is said of it is true, and what is sent to it arrives. */
import { opencode } from './cli/opencode.ts';
import { overAcp } from './product/acp.ts';
import { retrying } from './product/retrying.ts';
import { prove } from './product/suite.ts';

prove(
  opencode,
  {
    trust: null,
    composer: /Ask anything|ctrl\+p commands/u,
    exitCode: 0,
    atATime: 1,
    clear: `\x1b[H${'\x0b\x1b[3~'.repeat(8)}`,
    without: ['runs out of quota', 'runs out of context', 'finds the model overloaded'],
  },
  {
    'speaks ACP': overAcp({ resumes: true }),
    'tries again without a quota': retrying('quota'),
    'tries again while the model is overloaded': retrying('overloaded'),
  },
);
