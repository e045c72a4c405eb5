"""The floor of fan-out: the same bytes as ready frames to as many sockets, and nothing else. `python -m bench.floor`.

A text message "N BYTES" from any socket makes it write N frames of that size to every socket, one event-loop turn each.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn
import uvloop

from api.frames import EXTENSION, FramedSocket

_sockets: list[FramedSocket] = []


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Accept, and fan out when told."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    _sockets.append(scope["extensions"][EXTENSION])
    while (event := await receive())["type"] == "websocket.receive":
        count, size = map(int, event["text"].split())
        for _ in range(count):
            for socket in _sockets:
                socket.write_text(b"x" * 40, b"x" * (size - 40))
            await asyncio.sleep(0)


def main() -> None:
    """Serve on the port given."""
    config = uvicorn.Config(
        app, port=int(sys.argv[1]), ws=FramedSocket, ws_per_message_deflate=False, ws_ping_interval=None,
        log_level="warning", lifespan="off", loop="none",
    )  # fmt: skip
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
