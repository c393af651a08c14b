/** Digest of a command, equal for equal JSON values whatever the order of their keys. */
import { hash } from 'node:crypto';

/** SHA-256 of the canonical JSON (keys sorted by code unit, as RFC 8785), hexadecimal. */
export function digest(value: unknown): string {
  return hash('sha256', canonicalJson(value), 'hex');
}

export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  let text = '';
  for (const key of Object.keys(value).sort()) {
    const field = (value as Record<string, unknown>)[key];
    if (field !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(field)}`;
  }
  return `{${text}}`;
}
