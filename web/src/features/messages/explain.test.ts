import { expect, it } from 'vitest';
import { bob } from '../../dev/people';
import { explain } from './explain';

/** The client's reasons, word for word. */
it.each([
  ["This device can't read this message.", 'This device can’t read this message yet'],
  ['Whoever made the keys for this message left this device out.', 'This device can’t read this message yet'],
  ['This was written before you joined.', 'From before you joined'],
  ['This message was made by a newer version of Circle.', 'This message needs a newer Circle'],
  ['This message was changed on the way and was refused.', 'This message was refused'],
  ['This message speaks of another history of the conversation and was refused.', 'This message was refused'],
])('%s', (reason, title) => {
  const explained = explain(reason, bob);
  expect(explained.title).toBe(title);
  expect(explained.advice.length).toBeGreaterThan(0);
});

it('names whom to ask, where somebody is proven to have written it', () => {
  expect(explain("This device can't read this message.", bob).advice.at(-1)).toContain('ask Bob Okafor');
  expect(explain("This device can't read this message.", null).advice.at(-1)).toContain('ask whoever wrote it');
});
