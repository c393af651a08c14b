/** The run-time check of commands: srv's side of the schemas. */
import type { z } from 'zod';
import { HoldfastError, invalid } from '../../errors.ts';
import { NAME_BYTES } from '../../limits.ts';
import type { AgentsCommand } from '../agents.ts';
import type { RegisterCommand, ConnectionCommand } from '../messages.ts';
import type { SessionsCommand } from '../sessions.ts';
import { misdirected } from '../registry.ts';
import type { AnyCommand, AnyCommandName } from '../vocabulary.ts';
import type { WorkspacesCommand } from '../workspaces.ts';
import { COMMANDS } from './commands.ts';
import { Input } from './input.ts';

type Issue = z.core.$ZodIssue;

const INPUTS = new Map<string, Input>(Object.entries(COMMANDS).map(([name, schema]) => [name, new Input(schema)]));

/**
 * Checks one command, of whichever process: who serves it is for the caller to say (`misdirected`). Unknown fields are
 * dropped; null counts as missing where a field may be missing. Throws `unknown_command`; `invalid_argument` or
 * `too_large` naming the path of the field (`node.children[1].size`).
 */
export function parseCommand(fields: Record<string, unknown>): AnyCommand {
  const cmd = fields['cmd'];
  if (typeof cmd !== 'string') throw invalid('cmd', 'cmd must be the name of a command');
  const input = INPUTS.get(cmd);
  if (input === undefined) throw unknown(cmd);
  const schema: z.ZodType<AnyCommand> = COMMANDS[cmd as AnyCommandName];
  const parsed = schema.safeParse(input.read(fields));
  if (parsed.success) return parsed.data;
  throw refusal(parsed.error.issues[0], fields);
}

type SrvCommand = RegisterCommand | ConnectionCommand | SessionsCommand | AgentsCommand | WorkspacesCommand;

/** As `parseCommand`, at srv: a command that is not srv's is `wrong_domain` or `wrong_direction`, whatever its fields. */
export function parseSrvCommand(fields: Record<string, unknown>): SrvCommand {
  const elsewhere = misdirected(String(fields['cmd']), 'srv');
  if (elsewhere !== null) throw elsewhere;
  return parseCommand(fields) as SrvCommand;
}

function unknown(cmd: string): HoldfastError {
  return new HoldfastError('unknown_command', `${cmd.slice(0, NAME_BYTES)} is no command`, { field: 'cmd' });
}

function refusal(first: Issue | undefined, fields: Record<string, unknown>): HoldfastError {
  if (first === undefined) return invalid('cmd', 'the command is not valid');
  const { issue, path } = innermost(first);
  const field = fieldPath(path);
  if (isMissing(path, fields)) return invalid(field, `${field} is missing`);
  const code = issue.code === 'custom' && issue.params?.['code'] === 'too_large' ? 'too_large' : 'invalid_argument';
  return new HoldfastError(code, `${field} ${issue.message}`, { field });
}

/** Of alternatives, the one whose complaints are not about another's fields; else the one with the fewest. */
function innermost(issue: Issue, outer: readonly PropertyKey[] = []): { issue: Issue; path: PropertyKey[] } {
  const path = [...outer, ...issue.path];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { issue, path };
  const isForeign = ({ code, ...rest }: Issue) =>
    code === 'invalid_type' && 'expected' in rest && rest.expected === 'never';
  const ranked = issue.errors.toSorted(
    (a, b) => Number(a.some(isForeign)) - Number(b.some(isForeign)) || a.length - b.length,
  );
  const inner = ranked[0]?.find((one) => !isForeign(one)) ?? ranked[0]?.[0];
  return inner === undefined ? { issue, path } : innermost(inner, path);
}

/** Required and not there; null is, except inside a field's own value. */
function isMissing(path: readonly PropertyKey[], fields: unknown): boolean {
  let value = fields;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return false;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value === undefined || (value === null && path.length === 1);
}

function fieldPath(path: readonly PropertyKey[]): string {
  let field = '';
  for (const step of path) {
    if (typeof step === 'number') field += `[${step}]`;
    else field += field === '' ? String(step) : `.${String(step)}`;
  }
  return field;
}
