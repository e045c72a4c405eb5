import { expect, it } from 'vitest';
import type { UnreadableCode } from '../../circle';
import { bob } from '../../dev/people';
import { explain } from './explain';

it.each<[UnreadableCode, string]>([
  ['NO_KEY', 'This device can’t read this message yet'],
  ['LEFT_OUT', 'This device can’t read this message yet'],
  ['BEFORE_JOINING', 'From before you joined'],
  ['NEWER_VERSION', 'This message needs a newer Circle'],
  ['CHANGED', 'This message was refused'],
  ['OTHER_HISTORY', 'This message was refused'],
])('%s', (code, title) => {
  const explained = explain(code, bob);
  expect(explained.title).toBe(title);
  expect(explained.advice.length).toBeGreaterThan(0);
});

it('names whom to ask, where somebody is proven to have written it', () => {
  expect(explain('NO_KEY', bob).advice.at(-1)).toContain('ask Bob Okafor');
  expect(explain('NO_KEY', null).advice.at(-1)).toContain('ask whoever wrote it');
});
