import type { Person, UnreadableCode } from '../../circle';

/** What is said in the place of a message that is not shown, and what one can do about it. */
export interface Explanation {
  title: string;
  advice: string[];
}

type Kind = 'waiting' | 'before' | 'refused' | 'newer';

/** Every code of the client has its kind of advice. */
const KINDS: Record<UnreadableCode, Kind> = {
  NO_KEY: 'waiting',
  LEFT_OUT: 'waiting',
  BEFORE_JOINING: 'before',
  CHANGED: 'refused',
  REPEATED: 'refused',
  TOO_LATE: 'refused',
  NOT_THE_SENDER: 'refused',
  NOT_ALLOWED: 'refused',
  OTHER_HISTORY: 'refused',
  NEWER_VERSION: 'newer',
};

export function explain(code: UnreadableCode, sender: Person | null): Explanation {
  switch (KINDS[code]) {
    case 'refused':
      return {
        title: 'This message was refused',
        advice: [
          'Circle shows a message only when it is proven who wrote it and that nobody changed it. Nothing of this one was kept.',
          'If you expected something here, ask in another way. If it happens again, tell the person who runs your Circle.',
        ],
      };
    case 'before':
      return {
        title: 'From before you joined',
        advice: ['In this conversation, people who join read only what comes after. Somebody who was here can send it to you again.'],
      };
    case 'newer':
      return { title: 'This message needs a newer Circle', advice: ['Reload this page: that brings the newest version.'] };
    case 'waiting':
      return {
        title: 'This device can’t read this message yet',
        advice: [
          'Mostly it opens by itself: the key comes as soon as somebody who has it is online.',
          'If you use Circle on another device too, open it there for a moment.',
          `If it stays like this, ask ${sender?.displayName ?? 'whoever wrote it'} to send it again.`,
        ],
      };
  }
}
