"""From a revocation to the last event that its victim is given: sessions, devices and memberships, over two processes.

`python -m bench.revocation [rounds]`: messages flow in one conversation through node a, victims listen at node b, and
what ends them is asked of node a. Once with a bus that works, once with one that loses what it is told again and again.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
from circle_client.protocol.linking import new_link_key
from circle_client.protocol.member import decode_member_link
from circle_client.protocol.member_key import make_device_seal
from circle_client.protocol.primitives import random_bytes
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from websockets.exceptions import ConnectionClosed

from tests.support.actors import Actor, b64, signed_input
from tests.support.client import Http, Ws, websocket
from tests.support.company import Company
from tests.support.devices import Newcomer, after_link, revoke, turn_all
from tests.support.inside import World
from tests.support.nodes import Cluster, cluster
from tests.support.proxy import Proxy
from tests.support.rooms import epoch_input

LIVE = """subscription Live($after: Cursor) { events(after: $after) { __typename
  ... on CaughtUp { cursor } ... on EventDelivery { cursor event { seq } } } }"""
LEAVERS, OWNERS = 6, 14
"""Who is removed again and again, and whose second devices are revoked: ten each in five minutes at most."""
EVERY = 0.35
"""Seconds between two revocations; several are under way at once."""
AFTER = 1.8
"""Seconds for which a victim is still listened to."""


class Remote(World):
    """What tests do with a server's inside, over HTTP."""

    def __init__(self, url: str, tokens: dict[bytes, str]) -> None:
        nothing = cast("Any", None)
        super().__init__(nothing, nothing, nothing)
        # Shorter than the server keeps them: a connection that it closes just now fails what is asked.
        limits = httpx.Limits(keepalive_expiry=2)
        self._http = {device: Http(url, token, limits=limits) for device, token in tokens.items()}

    async def execute(self, document: str, variables: Any = None, actor: Actor | None = None) -> ExecutionResult:
        """As the actor's device."""
        assert actor is not None
        answer = (await self._http[actor.device].send(document, dict(variables or {}))).json()
        errors = [GraphQLError(str(error)) for error in answer.get("errors", ())]
        return ExecutionResult(data=answer.get("data"), errors=errors or None)

    async def close(self) -> None:
        """Close the connections."""
        for http in self._http.values():
            await http.raw.aclose()


class Victim:
    """A socket at node b that listens until it is closed, and knows when it heard the last event."""

    def __init__(self, ws: Ws) -> None:
        self.last, self.heard, self.newest, self.reason = 0.0, 0, 0, ""
        self._task = asyncio.create_task(self._listen(ws))

    async def _listen(self, ws: Ws) -> None:
        with suppress(ConnectionClosed):
            while True:
                message = await ws.hear()
                if message["type"] == "error":
                    self.reason = message["payload"][0]["extensions"]["reason"]
                elif message["type"] == "next" and "event" in (item := message["payload"]["data"]["events"]):
                    self.last, self.heard, self.newest = time.monotonic(), self.heard + 1, item["event"]["seq"]

    async def ready(self) -> None:
        """Wait until events come."""
        async with asyncio.timeout(30):
            while not self.heard:  # noqa: ASYNC110 - a counter sets no event
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Listen no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Stage:
    """One conversation of everybody; what changes it goes one after the other."""

    def __init__(self, nodes: Cluster, company: Company, world: Remote) -> None:
        # Past the proxies for clients: those are of this very process.
        self.a, self.b = (f"http://127.0.0.1:{node.port}" for node in nodes.nodes)
        self.people, self.world = company.people, world
        self.room = company.conversations[0].room
        self.owner = self.people[0].actor
        self.lock = asyncio.Lock()
        self.busy: defaultdict[bytes, asyncio.Lock] = defaultdict(asyncio.Lock)
        """A member is the victim of one revocation at a time."""
        self.took: defaultdict[str, list[float]] = defaultdict(list)

    async def flow(self) -> None:
        """Some twenty messages a second, until cancelled."""
        while True:
            async with self.lock:
                self.room.now = self.world.now
                envelope = self.room.make_envelope(self.owner)
                await self.world.mutate("sendMessage", {"envelope": b64(envelope.data)}, self.owner)
                self.room.took_envelope(envelope)
            await asyncio.sleep(0.04)

    async def announce(self) -> None:
        """The next epoch, so that messages flow on; under the lock."""
        self.room.now = self.world.now
        epoch = self.room.make_epoch(self.owner)
        await self.world.mutate("announceEpoch", {"epoch": epoch_input(epoch)}, self.owner)
        self.room.took_epoch(epoch)

    async def change(self, link: Any) -> float:
        """A roster link; when it was answered."""
        await self.world.mutate("changeRoster", {"link": signed_input(link)}, self.owner)
        answered = time.monotonic()
        await asyncio.sleep(0.2)  # what is calculated for an epoch holds up this process, victims' sockets included
        self.room.took_link(link)
        await self.announce()
        return answered

    async def session(self, number: int) -> None:
        """A session of a member's is ended by another one."""
        person = self.people[1]
        token = await self._sign_in(person.actor)
        http = Http(self.a, token)
        id = (await http.data("{ viewer { session { id } } }"))["viewer"]["session"]["id"]
        await http.raw.aclose()
        async with self._victim(token) as victim:
            mine = Http(self.a, person.token)
            done = await mine.mutate("revokeSession", "session { id }", "RevokeSessionInput", {"sessionId": id})
            answered = time.monotonic()
            await mine.raw.aclose()
            assert done["errors"] == [], done
            await asyncio.sleep(AFTER)
            self._note("session", victim, answered, "SESSION_REVOKED")

    async def device(self, number: int) -> None:
        """A device is revoked by the member's first one."""
        person = self.people[2 + LEAVERS + number % OWNERS]
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.busy[person.actor.member])
            async with self.lock:
                phone, token = await self._link(person.actor)
                self.room.now = self.world.now
            victim = await stack.enter_async_context(self._victim(token))
            async with self.lock:
                signed = revoke(person.actor, phone.client.device, self.world.now)
                made = await turn_all(self.world, person.actor, rooms=[self.room], link=signed)
                await self.world.mutate("rotateMemberKey", made.input, person.actor)
                answered = time.monotonic()
                made.took()
                await asyncio.sleep(0.2)
                self.room.grew(decode_member_link(signed.body).hash)
                await self.announce()
            await asyncio.sleep(AFTER)
            self._note("device", victim, answered, "DEVICE_REVOKED")

    async def membership(self, number: int) -> None:
        """A member is removed, and let in again afterwards."""
        person = self.people[2 + number % LEAVERS]
        async with self.busy[person.actor.member], self._victim(person.token) as victim:
            async with self.lock:
                removal = self.room.head.n + 1
                answered = await self.change(self.room.make_remove(self.owner, person.actor))
            await asyncio.sleep(AFTER)
            if victim.newest != removal:
                raise RuntimeError(f"removed by {removal}, and the last that was heard is {victim.newest}")
            self._note("membership", victim, answered, "")
            async with self.lock:
                await self.change(self.room.make_add(self.owner, person.actor))

    def _note(self, kind: str, victim: Victim, answered: float, reason: str) -> None:
        if victim.reason != reason:
            raise RuntimeError(f"the end of a {kind} was told as {victim.reason!r}")
        self.took[kind].append(max(0.0, victim.last - answered))

    @asynccontextmanager
    async def _victim(self, token: str) -> AsyncIterator[Victim]:
        async with websocket(self.b) as ws:
            await ws.start(token)
            await ws.say("subscribe", {"query": LIVE}, "live")
            victim = Victim(ws)
            try:
                await victim.ready()
                yield victim
            finally:
                await victim.stop()

    async def _sign_in(self, actor: Actor) -> str:
        http = Http(self.a)
        value = {"handle": actor.handle, "authKey": b64(actor.auth_key), "session": "BEARER"}
        payload = await http.mutate("signIn", "token", "SignInInput", value)
        await http.raw.aclose()
        token: str = payload["token"]
        return token

    async def _link(self, by: Actor) -> tuple[Newcomer, str]:
        client = replace(by, device=random_bytes(16), dk_seed=random_bytes(32), sk_seed=random_bytes(32))
        seal = make_device_seal(client.member, client.device, 1, client.sk, client.dk_seed, self.world.now)
        phone, token = Newcomer(client, new_link_key(), seal), await self._sign_in(by)
        http = Http(self.a, token)
        await http.mutate("offerDevice", "offer { linkId }", "OfferDeviceInput", phone.offer_input())
        await http.raw.aclose()
        answer = phone.answer_input(by, self.world.now)
        await self.world.mutate("answerDevice", answer, by)
        phone.came_in(by, state=after_link(by.state, answer["link"]))
        return phone, token


async def lose(bus: Proxy) -> None:
    """A bus that again and again takes what it is told and loses it, until cancelled."""
    while True:
        await asyncio.sleep(random.uniform(0.3, 2))
        bus.silent = True
        await asyncio.sleep(random.uniform(0.2, 2))
        bus.cut()
        bus.silent = False


async def measure(rounds: int) -> None:
    """Both ways, and print."""
    with tempfile.TemporaryDirectory(prefix="circle-revocation-") as folder:
        async with AsyncExitStack() as stack:
            nodes = await stack.enter_async_context(cluster(Path(folder), "ab"))
            company = nodes.company
            await company.fill(nodes.nodes[0].url, 2 + LEAVERS + OWNERS, 1, 2 + LEAVERS + OWNERS)
            world = Remote(
                f"http://127.0.0.1:{nodes.nodes[0].port}", {one.actor.device: one.token for one in company.people}
            )
            stack.push_async_callback(world.close)
            stage = Stage(nodes, company, world)
            flow = asyncio.create_task(stage.flow())
            for name, loses in (("working bus", False), ("lossy bus", True)):
                stage.took.clear()
                buses = [one.bus for one in nodes.nodes if one.bus is not None] if loses else []
                losing = [asyncio.create_task(lose(bus)) for bus in buses]
                await _rounds(stage, rounds // 2)
                for task in losing:
                    task.cancel()
                await asyncio.gather(*losing, return_exceptions=True)
                for bus in buses:
                    bus.heal()
                _print(name, stage.took)
                if flow.done():
                    flow.result()
            flow.cancel()
            await asyncio.gather(flow, return_exceptions=True)


async def _rounds(stage: Stage, count: int) -> None:
    kinds = (stage.session, stage.device, stage.membership)
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(kinds[number % 3](number // 3))
            await asyncio.sleep(EVERY)


def _print(name: str, took: dict[str, list[float]]) -> None:
    every = [one for kind in took.values() for one in kind]
    for kind, times in {**took, "all": every}.items():
        p50, p99 = statistics.median(times) * 1000, statistics.quantiles(times, n=100, method="inclusive")[98] * 1000
        print(
            f"{name:<12} {kind:<11} {len(times):4} revocations, to the last event: "
            f"p50 {p50:6.1f} ms, p99 {p99:6.1f} ms, longest {max(times) * 1000:6.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
