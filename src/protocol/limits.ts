/**
 * Every bound of the system in one place. Units are in the name (`_BYTES`, `_MS`, `_COUNT`).
 * Sources: WIRES §1–3, DESIGN §4, §6, §8.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Control socket (WIRES §1). */
export const CONTROL_LINE_IN_BYTES = 1 * MIB;
export const CONTROL_LINE_OUT_BYTES = 16 * MIB;
export const CONTROL_TREE_NODES = 5_000;
export const CONTROL_TREE_DEPTH = 64;
export const CONTROL_REGISTER_MS = 5_000;
export const EVENT_LIST_BYTES = 8 * MIB;
export const SUBSCRIPTION_QUEUE_EVENTS = 10_000;
export const IDEMPOTENCY_RETENTION_MS = 24 * 60 * 60 * 1000;
/** How far in the future a key's ULID time may lie (clock skew) before it is refused. */
export const IDEMPOTENCY_SKEW_MS = 5 * 60 * 1000;

/** Session socket (WIRES §2). */
export const FRAME_BYTES = 1 * MIB;
export const DATA_FRAME_BYTES = 64 * KIB;
export const HELLO_MS = 2_000;
export const SOCKET_WRITE_MS = 30_000;
export const CONNECTIONS_PER_SESSION = 256;
export const INPUT_QUEUE_BYTES = 1 * MIB;

/** Session log (DESIGN §6). */
export const LOG_MEMORY_BYTES = 1 * MIB;
export const LOG_SPILL_BYTES = 64 * MIB;
export const LOG_SEGMENT_BYTES = 4 * MIB;
export const HOME_SPILL_BYTES = 4 * 1024 * MIB;
export const STALL_MS = 30_000;
export const LEASE_MS = 30_000;
export const SCREEN_WAIT_MS = 1_000;
export const START_MS = 10_000;
export const STOP_GRACE_MS = 5_000;
export const TEES_PER_SESSION = 64;
export const TEE_RING_BYTES = 64 * MIB;

/** Terminal size: a `u16` on the wire, and few enough cells that one screen stays below 100 MiB. */
export const TERMINAL_SIDE_CELLS = 10_000;
export const TERMINAL_AREA_CELLS = 1_000_000;
export const DEFAULT_ROWS = 24;
export const DEFAULT_COLS = 80;

/** Launch (execve(2): MAX_ARG_STRLEN is 128 KiB on Linux). */
export const ARGUMENT_BYTES = 128 * KIB - 1;
export const ARGUMENTS_BYTES = 768 * KIB;
export const NAME_BYTES = 128;

/** Workspaces (DESIGN §5). A meta patch is counted as JSON text; so is what it is merged into. */
export const WORKSPACES_COUNT = 1_000;
export const TABS_PER_WORKSPACE = 1_000;
export const BLOCKS_PER_TAB = 1_000;
export const WINDOWS_COUNT = 1_000;
export const META_PATCH_BYTES = 64 * KIB;
export const META_BYTES = 256 * KIB;
export const META_DEPTH = 32;
export const LAYOUT_NODES = 1_024;
/** A level of a layout is two of a line's, and its data needs some: what operations build can always be sent. */
export const LAYOUT_DEPTH = 28;
export const LAYOUT_SIZE_MAX = 100;

/** `sun_path` without its NUL: unix(7). A browser, which reads other limits here, has no `process`. */
export const SOCKET_PATH_BYTES = typeof process === 'object' && process.platform === 'darwin' ? 103 : 107;

/** Retention of the control plane (DESIGN §8). */
export const EVENTS_KEPT_MS = 30 * 24 * 60 * 60 * 1000;
export const EVENTS_KEPT_COUNT = 1_000_000;
export const EXITED_KEPT_MS = 7 * 24 * 60 * 60 * 1000;
export const EXITED_KEPT_COUNT = 200;
export const LIVE_SESSIONS_COUNT = 1_000;

/** Agents (DESIGN §7). */
export const MESSAGE_BYTES = 256 * KIB;
export const RESPONSE_BYTES = 64 * KIB;
export const REPORT_BYTES = 256 * KIB;
export const REQUEST_TEXT_BYTES = 4 * KIB;
export const INBOX_COUNT = 1_000;
export const MESSAGE_TTL_MS = 24 * 60 * 60 * 1000;
export const MESSAGE_ANSWER_MS = 2 * 60 * 60 * 1000;
export const MESSAGES_KEPT_COUNT = 10_000;
/** As JSON: of all messages that have no outcome yet, and of those with one. A snapshot is one line and has the former. */
export const MESSAGES_OPEN_BYTES = 6 * MIB;
export const MESSAGES_KEPT_BYTES = 8 * MIB;
/** From the hand-over to a shim to the first sign of work. */
export const MESSAGE_DELIVERY_MS = 10 * 60 * 1000;
/** Of `get_message`: longest `wait_ms`, requests that wait so for one session (or for all of its owner's), and in all. */
export const MESSAGE_WAIT_MS = 60 * 1000;
export const MESSAGE_WAITERS_EACH_COUNT = 64;
export const MESSAGE_WAITERS_COUNT = 512;
/** Entries of one answer to `GetTranscript`. */
export const TRANSCRIPT_PAGE_COUNT = 1_000;
