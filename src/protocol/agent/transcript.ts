/** A structured agent's conversation as typed entries, in order; one JSON object a line in `sessions/<id>/transcript`. */
import type { AgentUsage } from './status.ts';

export type TranscriptEntry = { seq: number; at: number; turn: string | null } & (
  | { entry: 'message'; role: 'user' | 'agent' | 'thought'; text: string; from?: string; message_id?: string }
  | {
      entry: 'tool';
      call_id: string;
      name: string;
      title: string;
      status: 'pending' | 'running' | 'completed' | 'failed';
      input: string;
      output: string;
    }
  | { entry: 'plan'; items: { text: string; status: 'pending' | 'in_progress' | 'completed' }[] }
  | { entry: 'request'; request_id: string; text: string; choices: string[]; answer: string | null; by: string | null }
  | { entry: 'usage'; usage: AgentUsage }
  | { entry: 'turn'; state: 'started' | 'ended'; reason: string }
  | { entry: 'note'; text: string }
);

export const TRANSCRIPT_FILE = 'transcript';
