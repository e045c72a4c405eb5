"""How structures are written in the vectors: hex, camelCase, as the README beside them says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from circle_client.protocol.envelope import Header
from circle_client.protocol.member import MemberState, SignedMemberLink
from circle_client.protocol.roster_state import Roster
from circle_client.protocol.rules import Ref
from circle_client.protocol.structures import Head, Signed

from sdk.vectors.maker.world import Person

Case = dict[str, Any]


def hexed(value: bytes | None) -> str | None:
    """Lower-case hex, null for None."""
    return None if value is None else value.hex()


def head(value: Head) -> Case:
    """[n, hash]."""
    return {"n": value.n, "hash": value.hash.hex()}


def signed(value: Signed) -> Case:
    """Body and signature."""
    return {"body": value.body.hex(), "signature": value.signature.hex()}


def member_link(value: SignedMemberLink) -> Case:
    """Body, signature, cosignature."""
    return {
        "body": value.body.hex(),
        "signature": value.signature.hex(),
        "cosignature": hexed(value.cosignature),
    }


def chain(member: bytes, links: Iterable[SignedMemberLink]) -> Case:
    """A member's chain."""
    return {"member": member.hex(), "links": [member_link(link) for link in links]}


def chains(people: Iterable[Person]) -> list[Case]:
    """The chains of several members."""
    return [chain(person.member, person.links) for person in people]


def member_state(state: MemberState) -> Case:
    """What holds after a member link."""
    return {
        "n": state.n,
        "hash": state.hash.hex(),
        "identity": state.identity.hex(),
        "rs": state.rs.hex(),
        "rx": state.rx.hex(),
        "rxN": state.rx_n,
        "devices": {device.hex(): dk.hex() for device, dk in state.devices.items()},
        "keyFloor": state.key_floor,
    }


def roster(value: Roster) -> Case:
    """What holds after a roster link."""
    return {
        "n": value.n,
        "hash": value.hash.hex(),
        "type": int(value.type),
        "lifetime": value.policy.lifetime,
        "shared": value.policy.shared,
        "seats": [[m.hex(), s.identity.hex(), int(s.role)] for m, s in sorted(value.seats.items())],
        "joined": {member.hex(): epoch for member, epoch in sorted(value.joined.items())},
    }


def roster_links(space: bytes, links: Iterable[Signed]) -> Case:
    """A roster chain."""
    return {"space": space.hex(), "links": [signed(link) for link in links]}


def header(value: Header) -> Case:
    """An envelope's header by names."""
    return {
        "space": value.space.hex(),
        "epoch": head(value.epoch),
        "id": value.id.hex(),
        "member": value.member.hex(),
        "device": value.device.hex(),
        "n": value.n,
        "seen": head(value.seen),
        "kind": value.kind,
        "ref": hexed(value.ref),
        "b": value.b,
        "time": value.time,
    }


def ref(value: Ref | None) -> Case | None:
    """What a header's ref names."""
    return None if value is None else {"kind": value.kind, "author": value.author.hex(), "b": value.b}
