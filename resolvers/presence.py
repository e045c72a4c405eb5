"""Presence: what a device says it is doing, and what others are shown of it (docs/decisions/0102).

A device is told apart by its session: that is what its sockets and its requests have in common.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from db.presence.states import NOTHING
from db.queries import presence as queries
from db.queries.presence import PeerRow
from resolvers.context import Ctx
from resolvers.errors import Code, NotFound, Refusal
from resolvers.members import MemberRow, get_members
from resolvers.presence_kinds import PresenceState as PresenceState
from resolvers.presence_kinds import Shown as Shown
from resolvers.reading import reading

MOST = 200
"""Members that one subscription asks for."""


async def set_presence(ctx: Ctx, state: PresenceState) -> None:
    """Say what this session's device is doing. It holds while its socket lives, and a grace after.

    Raises RateLimited, Unauthenticated.
    """
    viewer, ephemera = ctx.require_viewer(), ctx.require_ephemera()
    ephemera.presence_rate.take(viewer.member)
    ephemera.presence.say(viewer.member, viewer.session, state)


async def get_presences(ctx: Ctx, members: Sequence[UUID]) -> list[Shown]:
    """What the viewer is shown of these members, in the order asked. Raises Unauthenticated."""
    rows = await _peers(ctx, members)
    return [_shown(ctx, rows[member]) for member in members]


async def follow_presence(ctx: Ctx, members: Sequence[UUID]) -> AsyncIterator[list[tuple[MemberRow, Shown]]]:
    """First all that were asked for, then what differs, at most once a second; ends never. Profiles are those of the
    beginning: an update asks the database for nothing.

    Raises Refusal INVALID for more than 200, NotFound for one who does not exist, Unauthenticated.
    """
    viewer, ephemera = ctx.require_viewer(), ctx.require_ephemera()
    if len(members) > MOST:
        raise Refusal(Code.INVALID, f"Ask for at most {MOST} members.", ("memberIds",))
    profiles = await get_members(ctx, members)
    if len(profiles) < len(set(members)):
        raise NotFound(path=("memberIds",))
    watcher, leave = ephemera.presence.watch(viewer.member, members)
    try:
        rows = await _peers(ctx, watcher.members)
        ephemera.presence.learn(viewer.member, rows.values())
        watcher.shown = {member: _shown(ctx, row) for member, row in rows.items()}
        yield [(profiles[member.bytes], shown) for member, shown in watcher.shown.items()]
        while True:
            changed = []
            for member in await watcher.take():
                shown = ephemera.presence.shown(viewer.member, member)
                if shown is not None and shown != watcher.shown[member]:
                    watcher.shown[member] = shown
                    changed.append((profiles[member.bytes], shown))
            if changed:
                yield changed
    finally:
        leave()


async def _peers(ctx: Ctx, members: Sequence[UUID]) -> dict[UUID, PeerRow]:
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        return await queries.peers(tx, viewer, members)


def _shown(ctx: Ctx, row: PeerRow) -> Shown:
    """What the viewer is shown; `row` comes from under the viewer's own policies."""
    if not row.near or not row.shown:
        return NOTHING
    state, seen = ctx.require_ephemera().presence.state_of(row.member)
    if state is PresenceState.ONLINE or not row.dated:
        return Shown(state)
    return Shown(state, max(filter(None, (seen, row.seen)), default=None))
