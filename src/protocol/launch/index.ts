/**
 * What srv hands a shim over the inherited pipe, and the files that make a session findable without srv
 * (DESIGN §6 "Start", §8). One JSON object per line in both directions.
 */
import type { WireError } from '../errors.ts';
import type { AgentProfile } from '../agent/index.ts';
import type { SessionKind } from '../session/messages.ts';

/** What a session is: decided at its creation, told to its shim, kept in its manifest. */
interface SessionFacts {
  session_id: string;
  kind: SessionKind;
  argv: string[];
  /** Absolute. */
  cwd: string;
  /** The child's whole environment: the caller's, without HOLDFAST_*; the shim adds HOLDFAST_SESSION. */
  env: [string, string][];
  /** Pipe sessions: one pipe for both outputs, in write order. */
  merge_stderr: boolean;
  rows: number;
  cols: number;
  umask: number | null;
  limits: SessionLimits;
  originator: string;
  command: string;
  /** Additive. The name it was created with. */
  name?: string | null;
  created_at_ms: number;
  /** Additive. Missing or null: no agent. */
  agent?: AgentLaunch | null;
}

/** What a session that runs an agent is started with beside its argv, which `argv` of the facts has in full already. */
export interface AgentLaunch {
  /** Of the agent, over all its sessions: the id of its first. */
  agent_id: string;
  profile: AgentProfile;
  mode: 'pty' | 'acp' | 'stream_json';
  /** The conversation this session was started with or resumes; null: not known yet. */
  conversation_id: string | null;
  resumed: boolean;
  /** Additive. As the CLI told before its start; null or missing: not known. */
  cli_version?: string | null;
  /** Structured modes: nothing to say. PTY: files to write into the session's directory before the start, by name. */
  files: Record<string, string>;
  /** Session token: what a program of the session quotes (`HOLDFAST_TOKEN`). */
  token: string;
  /** The hook command, for `HOLDFAST_REPORT`: node and this build's program, quoted for sh. */
  report: string;
}

/** srv → shim, once. The shim detaches from srv when it has read it. */
export interface LaunchSpec extends SessionFacts {
  launch: 1;
  /** Absolute `sessions/<id>/` directory; created by srv, 0700. */
  session_dir: string;
  /** Absolute path of the session's socket. */
  socket_path: string;
  /** The instance secret a Hello must quote. */
  token: string;
  /** Fault build only. */
  fault_plan?: string;
}

export interface SessionLimits {
  memory_bytes: number;
  spill_bytes: number;
  segment_bytes: number;
  stall_ms: number;
  lease_ms: number;
  /** Ms a session stays `exited` while others hold its output; null: until the last EOF. */
  linger_ms: number | null;
  /** Observers may throttle the child (DESIGN §6 "Flow control"). */
  allow_lossless: boolean;
}

/** shim → srv, exactly one. After `started` the session socket is listening. */
export type LaunchReport =
  | {
      report: 'started';
      pid: number;
      start_time: number;
      shim_pid: number;
      shim_start_time: number;
      containment: 'tree' | 'marked';
    }
  | { report: 'start_failed'; error: WireError; exit_status: 125 | 126 | 127 }
  | { report: 'fenced'; claim: Claim | null };

/** `claim`: created exclusively (O_EXCL), once per session for ever. */
export interface Claim {
  claim: 1;
  session_id: string;
  /** `aborted` is srv's fence against a late shim. */
  by: 'shim' | 'aborted';
  pid: number;
  start_time: number;
  boot_id: string;
  version: string;
  at_ms: number;
}

/** `manifest.json`, 0600: enough to rebuild the session's record without the database. */
export interface Manifest extends SessionFacts {
  manifest: 1;
  /** Of the shim that wrote it. */
  version: string;
  /** Null until the child runs. */
  child: { pid: number; start_time: number; containment: 'tree' | 'marked' } | null;
}

export const CLAIM_FILE = 'claim';
export const MANIFEST_FILE = 'manifest.json';
export const LOG_DIRECTORY = 'log';
