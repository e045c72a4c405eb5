/** Who may send which envelope about what (e2ee.md section 7): one set of rules for server and clients. */
import { CLASSES } from './branches';
import { equal, type Bytes } from './bytes';
import { EnvelopeKind, type Header } from './envelope';
import { demand } from './errors';
import { Role } from './roster';

interface Rule {
  readonly least: Role;
  /** The kinds that a `ref` may name; none: it has no ref. */
  readonly about: readonly number[];
  readonly needsRef: boolean;
}

const { MESSAGE, EDIT, DELETE, REACTION, RECEIPT, VAULT_ENTRY, SIGNAL, STATE } = EnvelopeKind;

const RULES: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [MESSAGE, { least: Role.WRITER, about: [MESSAGE, VAULT_ENTRY], needsRef: false }], // an answer
  [EDIT, { least: Role.READER, about: [MESSAGE], needsRef: true }],
  [DELETE, { least: Role.READER, about: [MESSAGE, REACTION, VAULT_ENTRY], needsRef: true }],
  [REACTION, { least: Role.READER, about: [MESSAGE, VAULT_ENTRY], needsRef: true }],
  [RECEIPT, { least: Role.READER, about: [], needsRef: false }],
  [VAULT_ENTRY, { least: Role.WRITER, about: [VAULT_ENTRY], needsRef: false }],
  [SIGNAL, { least: Role.READER, about: [], needsRef: false }],
  [STATE, { least: Role.ADMIN, about: [], needsRef: false }],
]);

/** The envelope that a `ref` names, in the same space. */
export interface Referred {
  readonly kind: number;
  readonly author: Bytes;
  readonly b: number;
}

/** Whether class b lives longer than class `limit`; class 0 lives for good. */
export function outlives(b: number, limit: number): boolean {
  return limit !== 0 && (b === 0 || b > limit);
}

function allow(condition: boolean, message: string): asserts condition {
  demand(condition, 'envelope', 'FORBIDDEN', message);
}

/**
 * Role, kind, class and ref of an envelope.
 * @param role the sender's in the epoch's roster, null for strangers
 * @param lifetime the policy's class
 * @param referred what `header.ref` names, null where there is none such
 * @throws {ProtocolError} envelope/FORBIDDEN
 */
export function checkRules(header: Header, role: Role | null, lifetime: number, referred: Referred | null): void {
  allow(role !== null, 'The sender is not in the roster.');
  const rule = RULES.get(header.kind);
  allow(rule !== undefined, 'The kind of envelope is not known.');
  allow(role >= rule.least, "The sender's role does not allow this kind.");
  allow(header.b < CLASSES, 'The lifetime class is not known.');
  if (header.kind === SIGNAL) allow(header.b === 1, 'A signal has the class 1.');
  else allow(!outlives(header.b, lifetime), "The envelope would live longer than the conversation's policy allows.");
  if (header.ref === null) {
    allow(!rule.needsRef, 'This kind of envelope names what it is about.');
    return;
  }
  allow(rule.about.length > 0, 'This kind of envelope is about nothing else.');
  allow(referred !== null && rule.about.includes(referred.kind), 'The envelope names nothing that it can be about.');
  const byAuthor = equal(referred.author, header.member);
  if (header.kind === EDIT) {
    allow(byAuthor, 'Only its author edits a message.');
    allow(!outlives(header.b, referred.b), 'An edit does not outlive what it edits.');
  }
  if (header.kind === DELETE) allow(byAuthor || role >= Role.ADMIN, 'Only its author or an admin deletes this.');
}
