/** Where a new leaf goes relative to another one. */
export const SIDES = [
  { name: 'right', about: 'right of it' },
  { name: 'left', about: 'left of it' },
  { name: 'below', about: 'below it' },
  { name: 'above', about: 'above it' },
] as const;
