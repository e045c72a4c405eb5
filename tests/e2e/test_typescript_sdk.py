"""The TypeScript SDK against the real server: its own integration tests, run by vitest on a server started here."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from circle_client import Circle, History
from circle_client.protocol.invite import InviteLink

from tests.support.sdk import party
from tests.support.server import RunningServer, running
from tests.support.vitest import vitest


async def test_the_typescript_client_against_the_server(tmp_path: Path, dsn: str) -> None:
    """Sign-up, invites, a group, messages, removal and a restart, by engines as browsers run them."""
    async with running(tmp_path, dsn) as server:
        await vitest("integration/members", server.url, InviteLink(server.set_up_token).fragment())


async def test_lifetimes_history_and_spoiled_keys(tmp_path: Path, dsn: str) -> None:
    """Messages end on time, newcomers get what is shared, and a member who seals garbage is found out and mended."""
    async with running(tmp_path, dsn) as server:
        await vitest("integration/time", server.url, InviteLink(server.set_up_token).fragment())


async def answer(ada: Circle, server: RunningServer) -> None:
    """Say back what is heard; on certain words make a group, age its epoch by a day, rename it, remove who asked."""
    async for message in ada.messages():
        if message.mine or message.sender is None:
            continue
        conversation = ada.conversation(message.conversation_id)
        if message.text == "make a group":
            group = await ada.create_conversation("group", [], "Shared", history=History.SHARED)
            for number in range(3):
                await group.send(f"early {number}")
            await group.add(message.sender)
        elif message.text == "age the keys":
            space = UUID(bytes=conversation.protocol_id)
            await server.fetch("UPDATE space SET epoch_accepted_at = now() - interval '25 hours' WHERE id = $1", space)
            await (await ada.create_conversation("direct", [message.sender])).send("aged")
        elif message.text == "rename":
            await conversation.rename("Renamed")
        elif message.text == "remove me":
            await conversation.remove(message.sender)
        else:
            await conversation.send(f"You said: {message.text}")


async def test_both_clients_in_one_conversation(tmp_path: Path, dsn: str) -> None:
    """What one SDK seals, signs and grants, the other opens, verifies and takes."""
    async with running(tmp_path, dsn) as server, party(server.url, server.set_up_token, tmp_path) as people:
        ada = await people.come("ada")
        answering = asyncio.create_task(answer(ada, server))
        try:
            await vitest("integration/python", server.url, urlsplit(await ada.create_invite(1)).fragment)
            assert not answering.done()
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
