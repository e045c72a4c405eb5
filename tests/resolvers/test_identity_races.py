"""Accounts under simultaneous requests: one wins, the others are told, nothing is half made."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

from tests.support.actors import Actor, b64
from tests.support.server import invite, running


def codes(payloads: list[dict[str, Any]]) -> Counter[str]:
    return Counter(payload["errors"][0]["code"] if payload["errors"] else "ok" for payload in payloads)


async def test_one_invite_lets_one_in(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn) as server:
        tries = [server.sign_up(Actor.make(), server.set_up_token) for _ in range(5)]
        assert codes(list(await asyncio.gather(*tries))) == {"ok": 1, "INVITE_USED": 4}
        assert [row["count"] for row in await server.fetch("SELECT count(*) FROM member WHERE role = 2")] == [1]


async def test_one_handle_and_one_key_have_one_member(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn) as server:
        _, http = await server.owner()
        tokens = [os.urandom(16) for _ in range(6)]
        for token in tokens:
            await invite(http, token)
        mac, seed = os.urandom(32), os.urandom(32)
        same_handle = [server.sign_up(Actor.make(handle="eve"), token, mac=mac) for token in tokens[:3]]
        same_key = [server.sign_up(Actor.make(dk_seed=seed), token, mac=mac) for token in tokens[3:]]
        assert codes(list(await asyncio.gather(*same_handle))) == {"ok": 1, "HANDLE_TAKEN": 2}
        found = codes(list(await asyncio.gather(*same_key)))
        assert found["ok"] == 1
        assert found["FORBIDDEN"] + found["ID_TAKEN"] == 2
        rows = await server.fetch(
            "SELECT (SELECT count(*) FROM member) AS members, (SELECT count(*) FROM space) AS spaces,"
            " (SELECT count(*) FROM invite WHERE used_at IS NOT NULL) AS used"
        )
        assert [tuple(row) for row in rows] == [(3, 3, 3)]


async def test_tries_at_the_same_time_do_not_slip_through(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn) as server:
        person, _ = await server.owner()
        http = server.http()

        def guess() -> Any:
            value = {"handle": person.handle, "authKey": b64(os.urandom(32)), "session": "BEARER", "label": ""}
            return http.mutate("signIn", "token", "SignInInput", value)

        found = codes(list(await asyncio.gather(*(guess() for _ in range(25)))))
        assert found == {"WRONG_PASSWORD": 10, "RATE_LIMITED": 15}
