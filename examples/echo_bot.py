"""A bot that answers what it hears, and marks it as read. The first start signs up with an invite link, later ones open
the store.

CIRCLE_PASSWORD='...' python examples/echo_bot.py http://localhost:8000 bot.db 'http://localhost:8000/join#...'
CIRCLE_PASSWORD='...' python examples/echo_bot.py http://localhost:8000 bot.db
"""

from __future__ import annotations

import asyncio
import os
import sys

from circle_client import Circle


async def main(origin: str, store: str, link: str | None = None) -> None:
    """Sign up or open, then echo until stopped."""
    password = os.environ["CIRCLE_PASSWORD"]
    if link:
        circle = await Circle.sign_up(origin, link, "echo", "Echo", password, store)
        print("Write down these recovery words:", " ".join(circle.recovery_words or ()))
    else:
        circle = await Circle.open(origin, store, password=password)
    async with circle:
        print("Listening.", flush=True)
        async for message in circle.messages():
            if not message.mine and not message.unreadable:
                conversation = circle.conversation(message.conversation_id)
                await conversation.send(f"You said: {message.text}")
                conversation.mark_read(message)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
