import { expect, it } from 'vitest';
import { table } from './format.ts';

it('aligns columns by what a terminal shows, and cuts the last one', () => {
  const rows = [
    ['ID', 'NAME', 'COMMAND'],
    ['1', '日本', 'sleep 1000'],
    ['22', 'e\u0301', '端末'],
  ];
  expect(table(rows)).toEqual(['ID  NAME  COMMAND', '1   日本  sleep 1000', '22  e\u0301     端末']);
  expect(table(rows, 14)).toEqual(['ID  NAME  COM…', '1   日本  sle…', '22  e\u0301     端末']);
  expect(table(rows, 13)[2]).toBe('22  e\u0301     端…');
});
