/** What a conversation's standing means: for the status, and for whoever wants to send the next message. */
import type { Activity, AgentRequest, Attention } from '../../../protocol/agent/index.ts';

export interface Standing {
  situation: 'starting' | 'open' | 'refused' | 'dead';
  /** The first that is open. */
  request: AgentRequest | undefined;
  /** `stopping`: it was asked to stop. */
  turn: 'none' | 'running' | 'stopping';
  /** Busy with something nobody asked for. */
  byItself: boolean;
  /** What the agent tries to get over by itself. */
  trouble: string | null;
  /** What the last turn, the refusal or the child's end left behind. */
  after: Left;
}

export interface Left {
  activity: Activity;
  attention: Attention;
  detail: string;
}

/** What a message waits for; empty: it would be taken. After a failed turn only the next one can show that all is well. */
export function waitsFor({ situation, request, turn, byItself, after }: Standing): string {
  if (situation === 'dead') return 'dead';
  if (request !== undefined) return request.kind;
  if (situation === 'starting') return 'starting';
  if (situation === 'refused') return after.attention === 'none' ? 'refused' : after.attention;
  if (turn === 'stopping') return 'interrupting';
  if (turn === 'running' || byItself) return 'working';
  return after.attention === 'exhausted' ? 'exhausted' : '';
}

/** The activity and attention, and by which rule. */
export function judge(standing: Standing): Left & { rule: string } {
  const { situation, request, turn, byItself, trouble, after } = standing;
  if (situation === 'dead') return { ...after, rule: 'exit' };
  const asked: Attention = request === undefined ? 'none' : request.kind === 'trust' ? 'permission' : request.kind;
  if (situation === 'starting') return { activity: 'starting', attention: asked, detail: 'starting', rule: 'hello' };
  if (turn === 'none' && !byItself) {
    const attention = request === undefined ? after.attention : asked;
    return { ...after, attention, rule: situation === 'refused' ? 'refused' : 'turn_end' };
  }
  const doing = turn === 'stopping' ? 'interrupting' : 'working';
  return {
    activity: 'working',
    attention: asked,
    detail: request?.text ?? trouble ?? doing,
    rule: request === undefined ? 'turn' : 'request',
  };
}
