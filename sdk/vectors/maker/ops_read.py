"""Reads the vectors' JSON back into values of the Python core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circle_client.protocol.envelope import Header
from circle_client.protocol.errors import Code, Layer, ProtocolError
from circle_client.protocol.grant import GrantEntry
from circle_client.protocol.member import SignedMemberLink
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.roster_state import Roster, replay_roster
from circle_client.protocol.rules import Ref
from circle_client.protocol.structures import Chains, Head, Signed

Input = Mapping[str, Any]


def raw(value: str) -> bytes:
    """Bytes of hex."""
    return bytes.fromhex(value)


def read_head(value: Input) -> Head:
    """[n, hash]."""
    return Head(value["n"], raw(value["hash"]))


def read_signed(value: Input) -> Signed:
    """Body and signature."""
    return Signed(raw(value["body"]), raw(value["signature"]))


def read_link(value: Input) -> SignedMemberLink:
    """A member link."""
    cosignature = value["cosignature"]
    return SignedMemberLink(
        raw(value["body"]), raw(value["signature"]), None if cosignature is None else raw(cosignature)
    )


def read_chain(value: Input) -> MemberChain:
    """A verified member chain."""
    return MemberChain.verify([read_link(link) for link in value["links"]], raw(value["member"]))


def read_chains(values: list[Input]) -> Chains:
    """Verified chains by member."""
    known = {raw(value["member"]): read_chain(value) for value in values}

    def find(wanted: bytes) -> MemberChain:
        if wanted not in known:
            raise ProtocolError(Code.NOT_FOUND, "There is no such member.", Layer.MEMBER)
        return known[wanted]

    return find


def read_roster(value: Input, chains: Chains) -> Roster:
    """The roster after the last link."""
    return replay_roster([read_signed(link) for link in value["links"]], raw(value["space"]), chains)[-1]


def read_header(value: Input) -> Header:
    """A header by names."""
    return Header(
        space=raw(value["space"]),
        epoch=read_head(value["epoch"]),
        id=raw(value["id"]),
        member=raw(value["member"]),
        device=raw(value["device"]),
        n=value["n"],
        seen=read_head(value["seen"]),
        kind=value["kind"],
        ref=None if value["ref"] is None else raw(value["ref"]),
        b=value["b"],
        time=value["time"],
    )


def read_ref(value: Input | None) -> Ref | None:
    """What a header's ref names."""
    return None if value is None else Ref(value["kind"], raw(value["author"]), value["b"])


def read_entries(values: list[Any]) -> list[GrantEntry]:
    """[[e, b, B_b]...]."""
    return [GrantEntry(e, b, raw(branch)) for e, b, branch in values]
