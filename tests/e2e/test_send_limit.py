"""Who sends too much at once: told as data over the API, waited for by the Python SDK's outbox."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.actors import b64
from tests.support.inside import SERVER_KEY, World
from tests.support.markers import marker_input, receipt
from tests.support.scenes import create
from tests.support.sdk import party, texts, theirs, until
from tests.support.server import running

SEND = """mutation($input: SendMessageInput!) { sendMessage(input: $input) { event { seq }
  errors { __typename code message ... on RateLimitedError { retryAfter } } } }"""

MARK = "mutation($input: SetMarkerInput!) { setMarker(input: $input) { errors { code } } }"


async def test_past_the_burst_a_send_is_refused_with_the_time_to_wait(tmp_path: Path, dsn: str) -> None:
    options = {"secret_key": SERVER_KEY.hex(), "sends_burst": 3, "sends_per_second": 0.01}
    async with running(tmp_path, dsn, **options) as server:
        circle = server.circle
        world = World(circle.uow, circle.hub, circle.bus)
        world.sending = circle.sending
        ada, ben = [await world.join(name) for name in ("ada", "ben")]
        room = await create(world, ada, [ben])
        answers = []
        for _ in range(4):
            envelope = room.make_envelope(ada)
            value = {"handle": ada.handle, "authKey": b64(ada.auth_key), "session": "BEARER", "device": b64(ada.device)}
            token = (await server.http().mutate("signIn", "token", "SignInInput", value))["token"]
            sent = await server.http(token).data(SEND, {"input": {"envelope": b64(envelope.data)}})
            answers.append(sent["sendMessage"])
            if sent["sendMessage"]["event"] is not None:
                room.took_envelope(envelope)
        assert [answer["errors"] for answer in answers[:3]] == [[], [], []]
        (error,) = answers[3]["errors"]
        assert answers[3]["event"] is None
        assert (error["__typename"], error["code"]) == ("RateLimitedError", "RATE_LIMITED")
        assert 90 <= error["retryAfter"] <= 100
        assert error["message"].endswith(".")
        marker = marker_input(world, room, receipt(room, ada))
        marked = await server.http(token).data(MARK, {"input": marker})
        assert [error["code"] for error in marked["setMarker"]["errors"]] == ["RATE_LIMITED"]


async def test_the_outbox_waits_and_sends_everything_in_order(tmp_path: Path, dsn: str) -> None:
    async with (
        running(tmp_path, dsn, sends_burst=4, sends_per_second=3.0) as server,
        party(server.url, server.set_up_token, tmp_path) as people,
    ):
        ada, bob = await people.come("ada"), await people.come("bob")
        tea = await ada.create_conversation("group", ["bob"], "Tea")
        bobs = await theirs(bob, tea)
        wanted = [f"number {number}" for number in range(10)]
        await asyncio.gather(*(tea.send(text) for text in wanted))
        await until(lambda: texts(list(bobs.history(20))) == wanted)
