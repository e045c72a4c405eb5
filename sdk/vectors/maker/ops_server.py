"""Runs the `server.*` ops of `invalid.json`: section 13's checks over rows given as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from circle_client.protocol.envelope import decode_envelope
from circle_client.protocol.epoch import Recipient
from circle_client.protocol.errors import DueReason
from circle_client.protocol.linking import decode_link_request
from circle_client.protocol.member import decode_member_link
from circle_client.protocol.roster import Role, Seat
from circle_client.protocol.server import (
    Asker,
    EpochInput,
    Known,
    RecipientState,
    Rotation,
    SenderState,
    SignUp,
    SpaceState,
    check_announcement,
    check_complaint,
    check_envelope,
    check_grant,
    check_link_answer,
    check_member_link,
    check_roster_link,
    check_rotation,
    check_sign_up,
)

from sdk.vectors.maker.ops_read import (
    Input,
    raw,
    read_chain,
    read_chains,
    read_head,
    read_link,
    read_ref,
    read_roster,
    read_signed,
)


def _maybe(value: str | None) -> bytes | None:
    return None if value is None else raw(value)


def _asker(value: Input) -> Asker:
    return Asker(raw(value["member"]), _maybe(value["device"]))


def _seat(value: list[Any] | None) -> Seat | None:
    return None if value is None else Seat(raw(value[0]), Role(value[1]))


def _space(value: Input) -> SpaceState:
    return SpaceState(
        space=raw(value["space"]),
        lifetime=value["lifetime"],
        head=read_head(value["head"]),
        epoch=read_head(value["epoch"]),
        epoch_accepted_at=value["acceptedAt"],
        epoch_envelopes=value["envelopes"],
        due=None if value["due"] is None else DueReason(value["due"]),
    )


def _recipient(value: Input) -> RecipientState:
    return RecipientState(read_head(value), raw(value["identity"]), value["generation"], raw(value["keyHash"]))


def _boxes(values: list[list[str]]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((raw(device), raw(box)) for device, box in values)


def _envelope(i: Input) -> None:
    sender, known = i["sender"], i["known"]
    check_envelope(
        decode_envelope(raw(i["data"])),
        _asker(i["asker"]),
        _space(i["space"]),
        SenderState(_maybe(sender["dk"]), sender["n"], raw(sender["identity"]), _seat(sender["seat"])),
        None if known is None else Known(_maybe(known["data"]), raw(known["item"])),
        read_ref(i["ref"]),
        _maybe(i["seenHash"]),
        i["now"],
    )


def _announcement(i: Input) -> None:
    check_announcement(
        EpochInput(read_signed(i["announcement"]), raw(i["recipients"]), [raw(seal) for seal in i["seals"]]),
        _asker(i["asker"]),
        read_chain(i["chain"]).state,
        _space(i["space"]),
        read_roster(i["roster"], read_chains(i["chains"])),
        {raw(member): _recipient(row) for member, row in i["members"].items()},
        i["now"],
    )


def _roster_link(i: Input) -> None:
    chains = read_chains(i["chains"])
    roster = None if i["roster"] is None else read_roster(i["roster"], chains)
    identities: Mapping[str, str] = i["identities"]
    check_roster_link(
        read_signed(i["link"]),
        _asker(i["asker"]),
        read_chain(i["chain"]).state,
        roster,
        read_head(i["epoch"]),
        lambda member: _maybe(identities.get(member.hex())),
    )


def _complaint(i: Input) -> None:
    row = i["row"]
    listed = None
    if row is not None:
        member, seal_hash = raw(row["member"]), raw(row["sealHash"])
        listed = Recipient(member, 0, seal_hash, 1, seal_hash, seal_hash)
    check_complaint(
        read_signed(i["complaint"]),
        _asker(i["asker"]),
        read_chain(i["chain"]).state,
        raw(i["space"]),
        _maybe(i["epochHash"]),
        listed,
        i["complainedThisHour"],
    )


def _grant(i: Input) -> None:
    check_grant(raw(i["sealed"]), _seat(i["giver"]), _seat(i["seat"]), _recipient(i["taker"]), i["generation"])


def _sign_up(i: Input) -> None:
    sent = SignUp(
        read_link(i["identity"]),
        read_signed(i["deviceSeal"]),
        read_signed(i["memberKey"]),
        _boxes(i["boxes"]),
        read_signed(i["account"]),
    )
    check_sign_up(sent, i["dkTaken"])


def _member_link(i: Input) -> None:
    seal = i["deviceSeal"]
    check_member_link(
        read_link(i["link"]),
        _asker(i["asker"]),
        read_chain(i["chain"]).state,
        taken=i["taken"],
        has_rotation=i["hasRotation"],
        device_seal=None if seal is None else read_signed(seal),
    )


def _rotation(i: Input) -> None:
    wraps = {(raw(space), epoch, b): raw(wrap) for space, epoch, b, wrap in i["wraps"]}
    sent = Rotation(read_signed(i["memberKey"]), _boxes(i["boxes"]), _maybe(i["archive"]), wraps)
    check_rotation(
        sent,
        _asker(i["asker"]),
        read_chain(i["chain"]).state,
        i["generation"],
        frozenset((raw(space), epoch, b) for space, epoch, b in i["required"]),
        complained=frozenset((raw(space), epoch, b) for space, epoch, b in i["complained"]),
        stale_seals=frozenset(raw(device) for device in i["staleSeals"]),
        today=i["today"],
        resets=i["resets"],
    )


def _answer(i: Input) -> None:
    link = decode_member_link(read_link(i["link"]).body)
    request = decode_link_request(raw(i["request"]))
    check_link_answer(request, link, read_signed(i["deviceSeal"]), answered=i["answered"], late=i["late"])


OPS: dict[str, Callable[[Input], None]] = {
    "server.envelope": _envelope,
    "server.announcement": _announcement,
    "server.rosterLink": _roster_link,
    "server.complaint": _complaint,
    "server.grant": _grant,
    "server.signUp": _sign_up,
    "server.memberLink": _member_link,
    "server.rotation": _rotation,
    "server.answer": _answer,
}
