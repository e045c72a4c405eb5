import { useEffect, useRef, useState } from 'react';
import type { Person } from '../../circle';

/** So many are named; more are several people. */
const NAMED = 3;

function firstName(person: Person): string {
  return person.displayName.split(' ')[0] ?? person.displayName;
}

/** 'Ada is typing…', 'Ada and Bob are typing…', 'Several people are typing…'; null while nobody is. */
export function typingWords(people: Person[]): string | null {
  if (people.length === 0) return null;
  if (people.length > NAMED) return 'Several people are typing…';
  const first = people.map(firstName);
  // Two of the same first name are told apart by the whole one.
  const names = people.map((person, index) => (first.filter((one) => one === first[index]).length > 1 ? person.displayName : (first[index] ?? '')));
  return `${new Intl.ListFormat('en', { type: 'conjunction' }).format(names)} ${people.length === 1 ? 'is' : 'are'} typing…`;
}

/** People pause while they write: within this time it is the same writing still, and not said again. */
const ONCE_IN = 30_000;
/** Whoever begins while others are named is named with them. */
const GATHER = 700;

/** What is read out: that somebody began to write, and not each pause of theirs. */
export function useSpokenTyping(people: Person[]): string {
  const words = typingWords(people);
  const [spoken, setSpoken] = useState('');
  const lastSeen = useRef(new Map<string, number>());
  const ids = people.map(({ id }) => id).join(' ');
  useEffect(() => {
    const seen = lastSeen.current;
    const current = ids === '' ? [] : ids.split(' ');
    const see = () => current.forEach((id) => seen.set(id, Date.now()));
    const timer = setTimeout(() => {
      const news = current.some((id) => Date.now() - (seen.get(id) ?? -Infinity) > ONCE_IN);
      see();
      if (words === null) setSpoken('');
      else if (news) setSpoken(words);
    }, GATHER);
    return () => {
      clearTimeout(timer);
      // As long as somebody writes on, the pause has not begun.
      if (current.every((id) => seen.has(id))) see();
    };
  }, [ids, words]);
  return spoken;
}
