"""A process that holds an embedded PostgreSQL: `embedded_parent.py DATA WATCH`. Says 'ready', then sleeps."""

import asyncio
import sys
from pathlib import Path

from db.embedded import EmbeddedError, EmbeddedPostgres


async def main() -> None:
    postgres = EmbeddedPostgres(Path(sys.argv[1]), watch=sys.argv[2] == "watch")
    try:
        await postgres.start()
    except EmbeddedError as error:
        print(f"refused: {error}", flush=True)
        return
    print("ready", flush=True)
    await asyncio.sleep(120)


asyncio.run(main())
