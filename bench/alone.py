"""`circle serve` in which each send has a transaction of its own: what the batcher is measured against.

`python -m bench.alone serve`
"""

from __future__ import annotations

from api.cli import app, main
from resolvers.protocol import Asker, Envelope
from resolvers.sending import Alone, Sending


async def refuse(_self: Sending, _asker: Asker, _envelope: Envelope) -> None:
    """Leave every envelope to the single send. Raises Alone."""
    raise Alone


if __name__ == "__main__":
    Sending.send = refuse  # type: ignore[assignment,method-assign]  # never returns
    main(app)
