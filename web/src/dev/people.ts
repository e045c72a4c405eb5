import type { Participant, Person, SpaceRole } from '../circle';

function person(seed: number, handle: string, displayName: string, serverRole: Person['serverRole'] = 'MEMBER'): Person {
  const protocolId = (0x9e3779b1 * seed).toString(16).replace('.', '').padEnd(32, `${seed}c4f`).slice(0, 32);
  return { id: `member-${handle}`, protocolId, handle, displayName, serverRole, verified: false };
}

export const ada = person(1, 'ada', 'Ada Lindqvist', 'OWNER');
export const bob = person(2, 'bob', 'Bob Okafor');
export const chen = person(3, 'chen', 'Chen Wei');
export const dana = person(4, 'dana', 'Dana Petrova', 'ADMIN');
export const emil = person(5, 'emil', 'Emil Haugen');
export const farah = person(6, 'farah', 'Farah Nasser');
export const gus = person(7, 'gus.long', 'Augustus Montgomery-Featherstonehaugh III');
export const niki = person(8, 'niki', 'Νίκη Παππά');
export const ivan = person(9, 'ivan', 'Ivan Marek');
export const jo = person(10, 'jo', 'Jo');
export const echo = person(11, 'echo', 'Echo bot');

export const everyone = [ada, bob, chen, dana, emil, farah, gus, niki, ivan, jo, echo];

export function as(role: SpaceRole, ...people: Person[]): Participant[] {
  return people.map((one) => ({ person: one, role, changed: false }));
}
