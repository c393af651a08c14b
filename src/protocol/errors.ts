/**
 * The error codes every wire shares, with the command line's exit status for each (WIRES §1, DESIGN §9).
 */

/** Code → exit status of the command line. The key order is the order of the reference page. */
export const ERROR_EXIT_STATUS = {
  invalid_argument: 2,
  unknown_command: 2,
  not_found: 3,
  ambiguous: 2,
  conflict: 5,
  wrong_domain: 2,
  wrong_direction: 2,
  forbidden: 1,
  bad_token: 1,
  bad_frame: 1,
  too_large: 2,
  busy: 5,
  timeout: 4,
  already_attached: 5,
  already_registered: 5,
  not_registered: 1,
  stream_unavailable: 3,
  session_exited: 5,
  stdin_closed: 5,
  not_driver: 5,
  lease_lost: 5,
  gap: 1,
  offset_ahead: 1,
  epoch_unknown: 1,
  key_reused: 5,
  key_expired: 5,
  start_failed: 1,
  storage_full: 1,
  storage_error: 1,
  unsupported_protocol: 6,
  shim_lost: 1,
  home_not_local: 2,
  unreachable: 6,
  internal: 1,
} as const;

export type ErrorCode = keyof typeof ERROR_EXIT_STATUS;

/** What an error looks like inside a reply or an `Error` event. */
export interface WireError {
  code: ErrorCode;
  /** Says what is wrong and what to do about it; shown to a person as it is. */
  message: string;
  /** The field or flag at fault, as the caller spelled it. */
  field?: string;
  /** Whether the same request may succeed later without a change. */
  retryable: boolean;
  details: Record<string, unknown>;
}

export interface ErrorOptions {
  field?: string | undefined;
  retryable?: boolean;
  details?: Record<string, unknown>;
  cause?: unknown;
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'busy',
  'timeout',
  'storage_full',
  'storage_error',
  'unreachable',
]);

/** The one error class that crosses module and process boundaries. Callers decide on `code`, never on the text. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryable: boolean;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.field = options.field;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
    this.details = options.details ?? {};
  }

  toWire(): WireError {
    return {
      code: this.code,
      message: this.message,
      ...(this.field === undefined ? {} : { field: this.field }),
      retryable: this.retryable,
      details: this.details,
    };
  }

  static fromWire(error: WireError): HoldfastError {
    return new HoldfastError(isErrorCode(error.code) ? error.code : 'internal', error.message, {
      field: error.field,
      retryable: error.retryable,
      details: error.details,
    });
  }

  /** Wraps anything thrown; a `HoldfastError` passes through unchanged. */
  static from(error: unknown, code: ErrorCode = 'internal'): HoldfastError {
    if (error instanceof HoldfastError) return error;
    return new HoldfastError(code, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_EXIT_STATUS, value);
}

/** Shorthand for the commonest rejection: names the field and says what to do. */
export function invalid(field: string, message: string, details: Record<string, unknown> = {}): HoldfastError {
  return new HoldfastError('invalid_argument', message, { field, details });
}
