/** Applies the log's next entries, one by one and in order; what does not fit raises an alarm and changes nothing else. */
import { equal, toHex, type Bytes } from '../protocol/bytes';
import { parseAnnouncement, parseComplaint } from '../protocol/epoch';
import { hBody } from '../protocol/labels';
import { nextHash } from '../protocol/log';
import { MemberKind, parseMemberLink } from '../protocol/member';
import { NO_EPOCH, parseRosterLink } from '../protocol/roster';
import { followRoster, type Roster } from '../protocol/rosterState';
import type { Head } from '../protocol/signer';
import { alarm, goesElsewhere, isWholeAgain } from './alarmWords';
import { claimsOfLink } from './claims';
import { noteSeal, noteUnshown, oweHistory, settleDebts, takeComplaint } from './complaints';
import type { Context, Shown } from './context';
import type { Draft } from './draft';
import { takeEpoch } from './epochKeeping';
import { acceptAdded, resetTold } from './identity';
import { keep, takeEnvelope } from './lines';
import { roleName } from './names';
import { lifetimeOf, policyNotice } from './policy';
import { ownEntries } from './ownEntries';
import { ALARMS } from './reasons';
import type { Space } from './space';
import { keys, noticeItem, type LogRow } from './spaceRecord';
import type { LinkBytes, LogEvent, MemberLinkBytes, Notice } from './wire';

const NOTHING: Shown = { items: [], gone: [] };

/** Entries at or below the head are ignored; a gap throws a RangeError, for the engine fills gaps first. */
export async function forward(space: Space, draft: Draft, context: Context, event: LogEvent): Promise<Shown> {
  const { record } = space;
  if (event.seq <= record.head.n) {
    // A server restored from a backup, whose last lost entry was given back.
    if (event.seq === record.head.n && equal(event.logHash, record.head.hash)) isWholeAgain(record);
    return NOTHING;
  }
  if (event.seq !== record.head.n + 1) throw new RangeError('The log has a gap.');
  const hash = await nextHash(record.head.hash, event.seq, event.item);
  if (!equal(hash, event.logHash)) {
    goesElsewhere(record, event.seq);
    return NOTHING;
  }
  isWholeAgain(record);
  await enter(space, draft, event, hash);
  const shown = await take(space, draft, context, event);
  record.lastActivity = Math.max(record.lastActivity, isVisible(event) ? event.acceptedAt : 0);
  record.reached = Math.max(record.reached, Math.min(event.acceptedAt, Date.now()));
  return shown;
}

async function take(space: Space, draft: Draft, context: Context, event: LogEvent): Promise<Shown> {
  const { record } = space;
  switch (event.body.kind) {
    case 'envelope':
      return takeEnvelope(space, draft, context, event, true);
    case 'roster':
      return takeRosterLink(space, draft, context, event, event.body);
    case 'epoch':
      await announced(space, draft, context, event, event.body.announcement);
      await ownEntries.announced(space, draft, context, event);
      return NOTHING;
    case 'complaint': {
      const { signer } = await parseComplaint(event.body.body).catch(() => ({ signer: null }));
      if (signer && equal(signer.device, context.keyring.device.device)) {
        await ownEntries.keep(space, draft, context, event, { kind: 'complaint', body: event.body.body, signature: event.body.signature });
      }
      const notice = await takeComplaint(space, context, event.item, event.body, true);
      space.addMark(event.seq);
      record.due = true;
      return notice ? keep(space, draft, noticeItem(event.seq, event.acceptedAt, notice, 0)) : NOTHING;
    }
    case 'member':
      return takeMemberLink(space, draft, context, event, event.body);
  }
}

/** Writes the log's row, and checks what this device was told of its own sends. */
async function enter(space: Space, draft: Draft, event: LogEvent, hash: Bytes): Promise<void> {
  const { record } = space;
  record.head = { n: event.seq, hash };
  draft.put('log', [space.id, event.seq], { hash, item: event.item } satisfies LogRow);
  const itemKey = keys.item(space.id, event.item);
  const before = await draft.get('log', itemKey);
  // An envelope that comes twice is refused in its place; of anything else a repetition is the server's doing.
  if (before === undefined) draft.put('log', itemKey, event.seq);
  else if (event.body.kind !== 'envelope') record.alarm ??= alarm('fork', `Entry ${event.seq} has come before.`);
  const told = record.told.find(({ seq }) => seq === event.seq);
  if (told && !equal(told.item, event.item)) record.alarm ??= alarm('moved', `Entry ${event.seq} should be yours.`);
  record.told = record.told.filter(({ seq }) => seq > event.seq);
}

function isVisible({ body }: LogEvent): boolean {
  return body.kind === 'envelope' || body.kind === 'roster';
}

async function takeRosterLink(space: Space, draft: Draft, context: Context, event: LogEvent, signed: LinkBytes): Promise<Shown> {
  const { record } = space;
  const before = space.roster;
  try {
    const { chains } = await context.people.lookup(claimsOfLink(signed.body).map(([member]) => member));
    const next = await followRoster(before, signed, chains, record.current ?? NO_EPOCH);
    if (!equal(next.hash, event.item)) throw new RangeError('The link is not the one that the log names.');
    space.states.push(next);
    draft.put('records', keys.link(space.id, next.n), { body: signed.body, signature: signed.signature });
    record.out = !next.seats.has(context.keyring.member);
  } catch {
    record.alarm ??= ALARMS.roster;
    return NOTHING;
  }
  const link = parseRosterLink(signed.body);
  const { signer, statement } = link;
  acceptAdded(context, draft, signer, statement);
  if (equal(signer.device, context.keyring.device.device)) await ownEntries.keep(space, draft, context, event, { kind: 'roster', body: signed.body, signature: signed.signature });
  if (statement.kind === 1) oweHistory(space, context, toHex(statement.member), link);
  space.addMark(event.seq, null, space.roster?.n ?? null);
  record.due = true;
  return keep(space, draft, noticeItem(event.seq, event.acceptedAt, rosterNotice(signed.body, before), record.current?.n ?? 0));
}

/** A verified roster link in a form that can be put in words; `before` is the roster that it changed. */
export function rosterNotice(body: Bytes, before: Roster | null): Notice {
  const { signer, statement } = parseRosterLink(body);
  const by = toHex(signer.member);
  switch (statement.kind) {
    case 0:
      return { what: 'created', by, ...(statement.policy.lifetime === 0 ? {} : { lifetime: lifetimeOf(statement.policy) }) };
    case 1:
      return { what: before?.seats.has(toHex(statement.member)) ? 'readmitted' : 'added', by, member: toHex(statement.member) };
    case 2:
      return equal(statement.member, signer.member) ? { what: 'left', by } : { what: 'removed', by, member: toHex(statement.member) };
    case 3:
      return { what: 'role', by, member: toHex(statement.member), role: roleName(statement.role) };
    case 4:
      return policyNotice(by, statement.policy, before?.policy ?? null);
  }
}

async function announced(space: Space, draft: Draft, context: Context, event: LogEvent, announcement: Bytes): Promise<void> {
  const { record } = space;
  try {
    const { epoch, creator } = await parseAnnouncement(announcement);
    if (!equal(epoch.hash, event.item)) throw new RangeError('The announcement is not the one that the log names.');
    settleDebts(space, context, toHex(creator.member));
    const offered = context.offers.get(space.id, epoch.n);
    if (!offered) {
      // The server shows it to members alone, and this device was removed since; or it will be asked for again.
      noteUnshown(space, epoch.n);
      setCurrent(space, event, epoch);
      return;
    }
    if (!equal(offered.announcement, announcement)) throw new RangeError('The server shows another epoch than the log.');
    const leastN = space.linkedBefore(context.keyring.member, event.seq);
    const taken = await takeEpoch(space, offered, context.keyring, context.people, { leastN });
    await space.keepEpoch(draft, taken.epoch);
    context.offers.drop(space.id, epoch.n);
    noteSeal(space, taken);
    if (taken.isAlarm) record.alarm ??= ALARMS.seal;
    setCurrent(space, event, epoch);
  } catch {
    record.alarm ??= ALARMS.unverified;
  }
}

function setCurrent(space: Space, event: LogEvent, epoch: Head): void {
  space.addEpochSeq(epoch.n, event.seq);
  space.record.current = { n: epoch.n, hash: epoch.hash };
  space.record.epochAt = event.acceptedAt;
  space.record.due = false;
}

async function takeMemberLink(space: Space, draft: Draft, context: Context, event: LogEvent, link: MemberLinkBytes): Promise<Shown> {
  const { record } = space;
  const { people } = context;
  try {
    const { member, n, statement } = parseMemberLink(link.body);
    if (!equal(await hBody('member', link.body), event.item)) throw new RangeError('The link is not the one that the log names.');
    const name = toHex(member);
    const known = (await people.get(name)).chain.hashes[n];
    if (known === undefined) draft.add(await people.follow(name, link));
    else if (!equal(known, event.item)) throw new RangeError('The link is not of the known chain.');
    space.addMark(event.seq, name, n);
    record.due = true;
    // A new recovery key, or a new identity with one: that one was not written down yet.
    if (record.isAccount && statement.kind !== MemberKind.DEVICE_REVOKE) for (const write of context.account.take({ what: 'confirmed', confirmed: false })) draft.add(write);
    if (statement.kind !== MemberKind.IDENTITY_RESET) return NOTHING;
    return resetTold(space, draft, event, name, n);
  } catch {
    record.alarm ??= ALARMS.unverified;
    return NOTHING;
  }
}
