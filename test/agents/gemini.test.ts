/** Gemini CLI on the real product: what is said of it is true, and what is sent to it arrives. */
import { gemini } from './cli/gemini.ts';
import { retrying } from './product/retrying.ts';
import { prove } from './product/suite.ts';

prove(
  gemini,
  {
    trust: /Do you trust the files in this folder/u,
    composer: /^ > {3}Type your message/mu,
    exitCode: 0,
    clear: '\x15\x7f'.repeat(8),
    without: ['finds the model overloaded'],
  },
  { 'tries again while the model is overloaded': retrying('overloaded') },
);
