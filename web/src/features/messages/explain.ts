import type { Person } from '../../circle';

/** What is said in the place of a message that is not shown, and what one can do about it. */
export interface Explanation {
  title: string;
  advice: string[];
}

/**
 * The client tells its reason as a sentence; what can be done depends on the kind of reason.
 * A reason of no known kind is taken for keys that are still on their way, which is by far the most frequent.
 */
export function explain(reason: string, sender: Person | null): Explanation {
  const name = sender?.displayName ?? 'whoever wrote it';
  if (/refused/i.test(reason)) {
    return {
      title: 'This message was refused',
      advice: [
        'Circle shows a message only when it is proven who wrote it and that nobody changed it. Nothing of this one was kept.',
        'If you expected something here, ask in another way. If it happens again, tell the person who runs your Circle.',
      ],
    };
  }
  if (/before you joined/i.test(reason)) {
    return {
      title: 'From before you joined',
      advice: ['In this conversation, people who join read only what comes after. Somebody who was here can send it to you again.'],
    };
  }
  if (/newer version/i.test(reason)) {
    return { title: 'This message needs a newer Circle', advice: ['Reload this page: that brings the newest version.'] };
  }
  return {
    title: 'This device can’t read this message yet',
    advice: [
      'Mostly it opens by itself: the key comes as soon as somebody who has it is online.',
      'If you use Circle on another device too, open it there for a moment.',
      `If it stays like this, ask ${name} to send it again.`,
    ],
  };
}
