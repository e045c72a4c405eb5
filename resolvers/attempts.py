"""Counting tries: how often a handle, an address or an invite may be tried within a while."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from db.queries import attempts as queries
from db.transaction import Transaction
from resolvers.context import Ctx
from resolvers.errors import RateLimited

WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Guard:
    """What is counted, and how many tries a window holds."""

    name: str
    limit: int
    message: str


SIGN_IN_HANDLE = Guard("sign-in handle", 10, "Too many tries to sign in with this handle. Please wait a little.")
SIGN_IN_ADDRESS = Guard("sign-in address", 100, "Too many tries to sign in from here. Please wait a little.")
INVITE_ADDRESS = Guard("invite address", 100, "Too many tries with invites from here. Please wait a little.")
PARAMETERS_ADDRESS = Guard("parameters address", 300, "Too many questions from here. Please wait a little.")


async def take_try(ctx: Ctx, guard: Guard, subject: str) -> None:
    """Count a try of `subject` before it is made, so that tries at the same time can't slip through.

    Committed by itself: a refused try stays counted. Raises RateLimited past the limit.
    """
    now = ctx.clock()
    async with ctx.uow.auth() as tx:
        count, started = await queries.count_attempt(tx, attempt_key(ctx, guard, subject), now - WINDOW, now)
    if count > guard.limit:
        raise RateLimited(ceil((started + WINDOW - now).total_seconds()), guard.message)


async def give_back(ctx: Ctx, guard: Guard, subject: str) -> None:
    """Take back the last try: it was no guess."""
    async with ctx.uow.auth() as tx:
        await queries.refund_attempt(tx, attempt_key(ctx, guard, subject))


async def forget_tries(ctx: Ctx, guard: Guard, subject: str) -> None:
    """Forget the tries: their subject proved itself."""
    async with ctx.uow.auth() as tx:
        await queries.clear_attempts(tx, attempt_key(ctx, guard, subject))


def attempt_key(ctx: Ctx, guard: Guard, subject: str) -> bytes:
    """The counter's key: keyed, so that the table tells neither handles nor addresses."""
    return hmac.new(ctx.server_key, f"circle attempt\0{guard.name}\0{subject}".encode(), hashlib.sha256).digest()


def source(ctx: Ctx) -> str:
    """Whom to count an address as: an IPv6 network of 64 bits is one household, an IPv4 address stands for itself."""
    try:
        address = ipaddress.ip_address(ctx.client_address)
    except ValueError:
        return ctx.client_address
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


async def drop_old_tries(tx: Transaction, before: datetime) -> None:
    """Forget windows that began before a time (auth role)."""
    await queries.drop_old_attempts(tx, before)
