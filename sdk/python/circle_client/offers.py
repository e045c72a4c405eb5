"""What came of giving a restored server back what it had lost, in words that a person can use."""

from __future__ import annotations

from circle_client.engine.engine import Engine
from circle_client.listen import message_of
from circle_client.machine.space import Space
from circle_client.running import Running
from circle_client.types import Message, Offered


async def offer(running: Running, space: Space) -> Offered:
    """See `Conversation.offer_missing`."""
    given = await running.resolver.offer_missing(space)
    taken, missing = (_messages(running.engine, space, seqs) for seqs in (given.taken, given.lacking))
    return Offered(len(given.taken), taken, len(given.lacking), missing, given.refused)


def _messages(engine: Engine, space: Space, seqs: range) -> tuple[Message, ...]:
    rows = (engine.store.item(space.id, seq) for seq in seqs)
    found = (message_of(engine, row) for row in rows if row is not None)
    return tuple(message for message in found if message is not None)
