import { userInfo } from 'node:os';

/** Whose home this is, as messages name them. */
export function ownerName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 0}`; // Unknown to the system's accounts, as in containers.
  }
}
