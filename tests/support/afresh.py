"""Cached state + events = state fetched afresh: a small client by bare GraphQL, and what it is held against.

`Mirror` fetches once, follows `events`, applies what it hears and never asks again for what it knows. After every
mutation of the API it must show what a fresh fetch shows (docs/decisions/0110). What `events` does not tell is looked
at as well, and must be in `NOT_TOLD` with its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import wraps
from typing import Any, TypeVar

from tests.support.actors import Actor, b64
from tests.support.client import Http
from tests.support.inside import World
from tests.support.mirror import Mirror
from tests.support.server import RunningServer

_R = TypeVar("_R")

ASKED = "Not in any space. Clients ask when a person opens the list of it; nothing else is decided by it."
CHAIN = (
    "No log has an entry for it (e2ee.md section 7: those that make an epoch due have one). Clients look at a chain "
    "when something names a newer link or key, or refuses an older one (STALE_DEVICE, RECIPIENTS_CHANGED)."
)
OWN_KEYS = "Only the rotating device changes them; the others look at the chain's key before they use theirs."
NOT_TOLD: dict[str, dict[str, str]] = {
    "signUp": {"invites": ASKED},
    "signIn": {"sessions": ASKED},
    "signOut": {"sessions": ASKED},
    "revokeSession": {"sessions": "The session's own sockets are told and closed; the list is asked for."},
    "createInvite": {"invites": ASKED},
    "revokeInvite": {"invites": ASKED},
    "answerDevice": {"devices": CHAIN, "chains": CHAIN, "sessions": "As devices."},
    "recoverDevice": {"devices": CHAIN, "chains": CHAIN, "sessions": "As devices."},
    "renameDevice": {"devices": ASKED},
    "publishDeviceSeal": {"devices": "Asked for by whoever rotates, and refused where it was replaced meanwhile."},
    "rotateMemberKey": {"keys": CHAIN, "boxes": OWN_KEYS, "archive": OWN_KEYS, "wraps": OWN_KEYS},
    "grantEpochs": {"grants": "A client that lacks keys asks for grants again and again, and nobody else needs them."},
    "setPrivacy": {"privacy": "A setting of the account; a client asks for it when it starts."},
}
"""By mutation: what it changes for a member whose stream brings nothing at all, and why that is right."""

NO_STATE: dict[str, str] = {
    "setTyping": "Ephemeral: told by `typing`, never kept, not replayed (design.md section 3).",
    "setPresence": "Ephemeral: told by `presence`, which begins with the full state (design.md section 3).",
    "sendSignal": "Ephemeral: told by `callSignals`, never kept (design.md section 3).",
    "offerDevice": "The offer is shown to whoever asks for it by its link id, for five minutes, and to nobody else.",
}
"""Mutations that change nothing that a client caches, and why."""

PROVEN: set[str] = set()
"""Mutations that a test holds against a fresh fetch; filled by `proves` when tests are collected."""

_ELSE = "first: 100"
WIDE = f"""query Wide {{ viewer {{ member {{ chain({_ELSE}) {{ nodes {{ number }} }} key {{ generation }}
    devices {{ id name seal }} }}
  sessions({_ELSE}) {{ nodes {{ id device {{ id }} }} }} invites({_ELSE}) {{ nodes {{ id usedAt revokedAt }} }}
  privacy {{ presence readReceipts deliveryReceipts }} keyBox {{ generation }} recoveryBox {{ generation }}
  archive({_ELSE}) {{ nodes {{ generation }} }} wraps({_ELSE}) {{ nodes {{ space epoch branch wrap }} }}
  conversations({_ELSE}) {{ nodes {{ id currentEpoch {{ grants {{ id }} }} members({_ELSE}) {{ nodes {{ member {{
    id chain({_ELSE}) {{ nodes {{ number }} }} key {{ generation }} }} }} }} }} }} }} }}"""


async def wide(http: Http) -> dict[str, Any]:
    """What the viewer can see beside the state that events tell, by the names used in NOT_TOLD."""
    viewer = (await http.data(WIDE))["viewer"]
    member, conversations = viewer["member"], viewer["conversations"]["nodes"]
    others = {m["member"]["id"]: m["member"] for one in conversations for m in one["members"]["nodes"]}
    return {
        "devices": member["devices"],
        "sessions": viewer["sessions"]["nodes"],
        "invites": viewer["invites"]["nodes"],
        "privacy": viewer["privacy"],
        "chains": [member["chain"], {id: one["chain"] for id, one in others.items()}],
        "keys": [member["key"], {id: one["key"] for id, one in others.items()}],
        "boxes": [viewer["keyBox"], viewer["recoveryBox"]],
        "archive": viewer["archive"]["nodes"],
        "wraps": viewer["wraps"]["nodes"],
        "grants": {one["id"]: one["currentEpoch"]["grants"] for one in conversations},
    }


class Company:
    """A running server, members, and a mirror or two of each who is watched."""

    def __init__(self, server: RunningServer, stack: AsyncExitStack) -> None:
        self.server, self._stack = server, stack
        circle = server.circle
        self.world = World(circle.uow, circle.hub, circle.bus)
        self.world.sending = circle.sending
        self.live: dict[bytes, Mirror] = {}
        self.away: dict[bytes, Mirror] = {}
        self.proven: set[str] = set()
        self.untold: dict[str, set[str]] = {}

    async def join(self, *handles: str) -> list[Actor]:
        """Members who are watched: by a client that stays connected, and one that is away during each mutation."""
        actors = [await self.world.join(handle) for handle in handles]
        for actor in actors:
            await self.watch(actor)
        return actors

    async def watch(self, actor: Actor) -> None:
        """Two clients of a member, both level."""
        for kind in (self.live, self.away):
            mirror = Mirror(self.server, await self.sign_in(actor), actor.member)
            await mirror.start()
            kind[actor.member] = mirror
            self._stack.push_async_callback(mirror.stop)
        await self.away[actor.member].stop()

    async def lose(self, actor: Actor) -> None:
        """This member's clients are signed out by what comes next: nobody watches with them any more."""
        await self.live.pop(actor.member).stop()
        del self.away[actor.member]

    async def sign_in(self, actor: Actor, *, device: bool = True) -> str:
        """A session's token."""
        value = {"handle": actor.handle, "authKey": b64(actor.auth_key), "session": "BEARER", "label": "test"}
        if device:
            value["device"] = b64(actor.device)
        payload = await self.server.http().mutate("signIn", "token", "SignInInput", value)
        assert payload["errors"] == [], payload
        token: str = payload["token"]
        return token

    async def after(self, name: str, work: Callable[[], Awaitable[_R]]) -> _R:
        """Run a mutation; afterwards every client shows what a fetch shows, and what was not told has its reason."""
        await asyncio.gather(*(mirror.agrees() for mirror in self.live.values()))  # what came before has been heard
        before = {member: (mirror.heard, await wide(mirror.http)) for member, mirror in self.live.items()}
        result = await work()
        await asyncio.gather(*(mirror.agrees() for mirror in self.live.values()))
        await asyncio.gather(*(mirror.come_back() for mirror in self.away.values()))
        untold: set[str] = set()
        for member, (heard, old) in before.items():
            mirror = self.live[member]
            if mirror.heard == heard:
                new = await wide(mirror.http)
                untold |= {what for what in old if old[what] != new[what]}
        assert untold <= NOT_TOLD.get(name, {}).keys(), f"{name} changes without a word: {untold}"
        self.proven.add(name)
        self.untold.setdefault(name, set()).update(untold)
        return result


@asynccontextmanager
async def company(server: RunningServer) -> AsyncIterator[Company]:
    """Nobody yet; clients are stopped at the end."""
    async with AsyncExitStack() as stack:
        yield Company(server, stack)


Test = Callable[..., Coroutine[Any, Any, None]]


def proves(*names: str) -> Callable[[Test], Test]:
    """Mark a test that holds these mutations against a fresh fetch, by `Company.after`; it has to have done so."""
    PROVEN.update(names)

    def mark(test: Test) -> Test:
        @wraps(test)
        async def run(*args: Any, **fixtures: Any) -> None:
            await test(*args, **fixtures)
            assert fixtures["everyone"].proven >= set(names)

        return run

    return mark
