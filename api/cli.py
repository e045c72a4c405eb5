"""The command line: `circle serve`, `migrate`, `schema`, `invite`, `doctor`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from api.settings import Settings, load_settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Circle: a private place for your group.",
)


class InvitedRole(StrEnum):
    """Whom the command line can invite; an owner comes by the set-up link alone."""

    MEMBER = "member"
    ADMIN = "admin"


@app.command()
def serve(
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes behind the one port. [default: CIRCLE_WORKERS, or 1]")
    ] = None,
) -> None:
    """Serve the web client and the API until stopped."""
    # First: what is wrong with them is said without loading the server.
    settings = load_settings() if workers is None else load_settings(workers=workers)
    from api.serve import serve as run
    from api.workers import serve_by_workers

    (run if settings.workers == 1 else serve_by_workers)(settings)


@app.command()
def migrate() -> None:
    """Bring the database to this version's shape (serving does it by itself)."""
    from api.database import open_server
    from db.migrate import migrate as run

    async def work(settings: Settings) -> str:
        async with open_server(settings, share=True) as dsn:
            return await run(settings.database_direct_url or dsn)

    typer.echo(f"The database is at revision {asyncio.run(work(load_settings()))}.")


@app.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from schema.root import sdl

    typer.echo(sdl(), nl=False)


@app.command()
def invite(
    hours: Annotated[int, typer.Option(min=1, max=720, help="How long the link can be used.")] = 168,
    role: Annotated[InvitedRole, typer.Option(help="The role of whoever uses it.")] = InvitedRole.MEMBER,
) -> None:
    """Make a single-use invite link, while the server runs or not."""
    from api.app import utc_now
    from api.database import open_database
    from db.uow import UnitOfWork
    from resolvers.identity_kinds import ServerRole
    from resolvers.invites import make_operator_invite

    async def work(settings: Settings) -> str:
        async with open_database(settings, share=True) as database:
            chosen = ServerRole[role.name]
            return await make_operator_invite(UnitOfWork(database), chosen, timedelta(hours=hours), utc_now())

    settings = load_settings()
    typer.echo(f"{settings.origin}/join#{asyncio.run(work(settings))}")


@app.command()
def doctor() -> None:
    """Check that everything Circle needs is there, and say what to mend."""
    from api.doctor import examine

    findings = asyncio.run(examine(load_settings()))
    for finding in findings:
        typer.echo(f"{'ok ' if finding.good else 'BAD'}  {finding.text}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def main(run: Callable[[], None] = app) -> None:
    """The program. What can go wrong at start is said in one plain sentence on stderr, with exit code 1."""
    from api.start import PLAIN_FAILURES

    try:
        run()
    except PLAIN_FAILURES as failure:
        typer.echo(str(failure), err=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
