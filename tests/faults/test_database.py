"""The storage goes away under a running server: every failure is plain and passing, and everything goes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db.engine import Connection
from tests.support.actors import b64, unb64
from tests.support.client import Http, Ws, websocket
from tests.support.database import Maker
from tests.support.server import RunningServer, running

WHO = "{ viewer { member { handle } account { protocolId head } } }"
SIGN_IN = "mutation($input: SignInInput!) { signIn(input: $input) { token errors { code } } }"
EVENTS = "subscription { events { __typename ... on EventDelivery { event { seq } } } }"
NOBODY = {"handle": "nobody", "authKey": b64(bytes(32)), "session": "BEARER", "label": ""}
OTHERS = "pid <> pg_backend_pid() AND datname = current_database()"


@pytest.fixture
async def server(tmp_path: Path, dsn: str) -> AsyncIterator[RunningServer]:
    """The running application, whose log this test reads by itself."""
    async with running(tmp_path, dsn, log_level="error") as found:
        yield found


async def cut(admin: Connection) -> None:
    """End every connection of the server's."""
    await admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}")


@asynccontextmanager
async def elsewhere(dsn: str) -> AsyncIterator[Connection]:
    """A superuser's connection to another database of the same server."""
    connection = await asyncpg.connect(dsn, database="postgres")
    try:
        yield connection
    finally:
        await connection.close()


def token_of(http: Http) -> str:
    token: str = http.raw.headers["authorization"].removeprefix("Bearer ")
    return token


async def heard(ws: Ws) -> Any:
    message = await ws.hear()
    assert message["type"] == "next", message
    return message["payload"]["data"]["events"]


async def test_cut_connections_are_made_anew_and_streams_go_on(
    server: RunningServer, admin: Connection, make: Maker
) -> None:
    _, http = await server.owner()
    account = (await http.data(WHO))["viewer"]["account"]
    space = UUID(bytes=unb64(account["protocolId"]))
    async with websocket(server.url) as ws:
        await ws.start(token_of(http))
        await ws.say("subscribe", {"query": EVENTS}, "1")
        assert (await heard(ws))["__typename"] == "CaughtUp"
        for round_ in range(3):
            await cut(admin)
            answers = await asyncio.gather(*(http.send(WHO) for _ in range(20)))
            assert {answer.status_code for answer in answers} <= {200, 503}
            assert (await http.data(WHO))["viewer"]["account"]["head"] == account["head"] + round_
            seq = await make.event(space)
            assert (await heard(ws))["event"]["seq"] == seq == account["head"] + round_ + 1


async def test_what_was_under_way_fails_once_in_plain_words_and_can_be_tried_again(
    server: RunningServer, admin: Connection
) -> None:
    person, _ = await server.owner()
    value = {**NOBODY, "handle": person.handle, "authKey": b64(person.auth_key)}
    http = server.http()
    async with admin.transaction():
        await admin.execute("LOCK TABLE attempt IN ACCESS EXCLUSIVE MODE")
        waiting = asyncio.create_task(http.send(SIGN_IN, {"input": value}))
        async with asyncio.timeout(10):
            query = f"SELECT count(*) FROM pg_stat_activity WHERE {OTHERS} AND wait_event_type = 'Lock'"
            while not await admin.fetchval(query):  # noqa: ASYNC110 - the database tells nobody who waits
                await asyncio.sleep(0.02)
        await cut(admin)
        answer = await waiting
    (error,) = answer.json()["errors"]
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 1}
    assert error["message"] == "The server cannot reach its database just now. Please try again in a moment."
    assert (await http.data(SIGN_IN, {"input": value}))["signIn"]["errors"] == []


async def test_a_database_that_lets_nobody_in_is_said_and_comes_back(
    server: RunningServer, admin: Connection, dsn: str
) -> None:
    _, http = await server.owner()
    name = await admin.fetchval("SELECT current_database()")
    async with elsewhere(dsn) as other, websocket(server.url) as ws:
        await ws.start(token_of(http))
        await other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await cut(admin)
        for _ in range(3):
            answer = await http.send(WHO)
            assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"UNAVAILABLE"}
            assert name not in answer.text
        assert (await http.raw.get("/readyz")).status_code == 503
        assert (await http.raw.get("/livez")).status_code == 200
        server.circle.authenticator.forget()  # what is remembered for half a second
        async with websocket(server.url) as late:
            await late.say("connection_init", {"authorization": f"Bearer {token_of(http)}"})
            assert await late.closed() == 1013
        assert (await ws.run(WHO))["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        await other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert (await http.send(WHO)).status_code == 200
        assert (await http.raw.get("/readyz")).status_code == 200
        assert (await ws.run(WHO))["data"]["viewer"] is not None


@pytest.mark.parametrize("sqlstate", ["53100", "53200", "58030", "57014"])  # disk, memory, input/output, too slow
async def test_a_full_disk_is_a_passing_failure_that_changes_nothing(
    server: RunningServer, admin: Connection, sqlstate: str
) -> None:
    person, _ = await server.owner()
    before = await server.state()
    await admin.execute(f"""
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'no room for secret' USING ERRCODE = '{sqlstate}'; END $$;
        CREATE TRIGGER fail BEFORE INSERT ON session EXECUTE FUNCTION fail()""")
    value = {**NOBODY, "handle": person.handle, "authKey": b64(person.auth_key)}
    answer = await server.http().send(SIGN_IN, {"input": value})
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 1}
    assert "secret" not in answer.text
    await admin.execute("DROP TRIGGER fail ON session")
    assert await server.state() == before
    assert (await server.http().data(SIGN_IN, {"input": value}))["signIn"]["errors"] == []


async def test_a_bug_is_no_passing_failure(server: RunningServer, admin: Connection) -> None:
    person, _ = await server.owner()
    await admin.execute("ALTER TABLE credential RENAME COLUMN salt TO pepper")
    value = {**NOBODY, "handle": person.handle, "authKey": b64(os.urandom(32))}
    answer = await server.http().send(SIGN_IN, {"input": value})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (500, "INTERNAL")
    assert "salt" not in answer.text
