"""Objects with an id of their own: opaque global ids, the `Node` interface and its registry."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeAlias
from uuid import UUID

import strawberry

from resolvers.context import Ctx
from resolvers.errors import Code, NotFound, Refusal
from schema.context import Info
from schema.loaders import loader

MAX_NODES = 100
MAX_ID = 100


@strawberry.interface(description="Anything with an id of its own, to be fetched again by `node`.")
class Node:
    """Every node knows its global id."""

    id: strawberry.ID = strawberry.field(description="Opaque and stable; the same everywhere in this API.")


NodeFetch: TypeAlias = Callable[[Ctx, list[bytes]], Awaitable[Sequence[Node | None]]]
_fetchers: dict[str, NodeFetch] = {}


def register_node(type_name: str, fetch: NodeFetch) -> None:
    """Say how nodes of a type are fetched by their raw keys: one answer per key, None for missing and forbidden."""
    _fetchers[type_name] = fetch


def encode_id(type_name: str, key: bytes | UUID) -> strawberry.ID:
    """The global id of the object of that type with that key (a uuid, or raw bytes)."""
    raw = key.bytes if isinstance(key, UUID) else key
    return strawberry.ID(base64.urlsafe_b64encode(type_name.encode() + b":" + raw).decode().rstrip("="))


def decode_any(node_id: str) -> tuple[str, bytes]:
    """The type's name and key behind a global id. Raises NotFound: a broken id leads nowhere."""
    try:
        if len(node_id) > MAX_ID:
            raise NotFound
        raw = base64.b64decode(node_id + "=" * (-len(node_id) % 4), altchars=b"-_", validate=True)
        name, mark, key = raw.partition(b":")
        type_name = name.decode("ascii")
    except (binascii.Error, ValueError):
        raise NotFound from None
    # Only the one spelling that encode_id makes is an id: clients may compare ids as text.
    if not mark or encode_id(type_name, key) != node_id:
        raise NotFound
    return type_name, key


def decode_id(type_name: str, node_id: str) -> UUID:
    """The uuid behind a global id of that type. Raises NotFound for another type's or a broken id."""
    found, key = decode_any(node_id)
    if found != type_name or len(key) != 16:
        raise NotFound
    return UUID(bytes=key)


async def load_node(ctx: Ctx, type_name: str, key: bytes | UUID) -> Node | None:
    """A node by type and key through the operation's loader; None for missing and forbidden."""
    raw = key.bytes if isinstance(key, UUID) else key
    fetch = _fetchers.get(type_name)
    return None if fetch is None else await loader(ctx, f"node:{type_name}", fetch).load(raw)


async def load_by_id(ctx: Ctx, node_id: str) -> Node | None:
    """A node by its global id; None for missing, forbidden and broken."""
    try:
        type_name, key = decode_any(node_id)
    except NotFound:
        return None
    return await load_node(ctx, type_name, key)


@strawberry.type
class NodeQuery:
    """The fields of `Query` that fetch any node."""

    @strawberry.field(description="Any object by its id; null when there is none that the viewer may see.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The object's id.")]
    ) -> Node | None:
        """One node by id."""
        return await load_by_id(info.context, id)

    @strawberry.field(description="Several objects by their ids, in the same order, 100 at most; null where none is.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The objects' ids, 100 at most.")],
    ) -> list[Node | None]:
        """Several nodes by id. Raises Refusal INVALID beyond 100."""
        if len(ids) > MAX_NODES:
            raise Refusal(Code.INVALID, f"Ask for at most {MAX_NODES} objects at a time.", ("ids",))
        return list(await asyncio.gather(*(load_by_id(info.context, node_id) for node_id in ids)))
