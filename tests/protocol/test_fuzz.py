"""Fuzzing of everything that takes bytes of strangers: refused with a ProtocolError, or byte for byte the original."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from circle_client.protocol.cbor import decode, encode
from circle_client.protocol.envelope import decode_envelope, open_envelope
from circle_client.protocol.epoch import decode_announcement, decode_complaint
from circle_client.protocol.epoch_keys import open_epoch, own_row, verify_announcement
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.grant import open_grant
from circle_client.protocol.invite import check_invite_mac, parse_fragment
from circle_client.protocol.labels import Label, verify_body
from circle_client.protocol.member import SignedMemberLink
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.member_key import decode_member_key, open_member_box, verify_device_seal, verify_living_key
from circle_client.protocol.rewrap import unwrap_archive, unwrap_branch
from circle_client.protocol.roster_state import replay_roster
from circle_client.protocol.structures import Chains, Signed
from circle_client.protocol.words import from_words
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdk.vectors.maker.ops_read import raw, read_chain, read_chains, read_head, read_link, read_roster, read_signed
from tests.protocol.mutations import mutations

FOLDER = Path(__file__).resolve().parents[2] / "sdk" / "vectors"
BOUNDED = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    return found


@dataclass(frozen=True)
class Target:
    """Bytes of a stranger, and everything that is done with them before they are believed."""

    name: str
    original: bytes
    take: Callable[[bytes], object]


def bound(take: Callable[..., object], *known: Any) -> Callable[..., object]:
    """`take` of the fuzzed bytes and what is known beside them."""
    return lambda data: take(data, *known)


def signed(name: str, original: Signed, take: Callable[..., object]) -> list[Target]:
    """Body and signature, each fuzzed for itself."""
    return [
        Target(f"{name} body", original.body, lambda data: take(Signed(data, original.signature))),
        Target(f"{name} signature", original.signature, lambda data: take(Signed(original.body, data))),
    ]


def _verify(data: bytes, part: str, before: list[SignedMemberLink], link: SignedMemberLink, member: bytes) -> None:
    changed: dict[str, Any] = {
        "body": link.body,
        "signature": link.signature,
        "cosignature": link.cosignature,
        part: data,
    }
    MemberChain.verify([*before, SignedMemberLink(**changed)], member)


def _replay(data: Signed, before: list[Signed], space: bytes, chains: Chains) -> None:
    replay_roster([*before, data], space, chains)


def member_targets() -> list[Target]:
    case = max(cases("member"), key=lambda one: len(one["chain"]["links"]))
    links, member = [read_link(link) for link in case["chain"]["links"]], raw(case["chain"]["member"])
    found = []
    for n, link in enumerate(links):
        before = links[:n]
        found.append(
            Target(f"member link {n}", link.body, bound(_verify, "body", before, link, member)),
        )
    link = links[0]
    for part in ("signature", "cosignature"):
        found.append(Target(f"member link 0 {part}", getattr(link, part), bound(_verify, part, [], link, member)))
    first = cases("member")[0]
    chain = read_chain(first["chain"])
    found += signed("member key", read_signed(first["keys"][0]["key"]), lambda key: verify_living_key(key, chain))
    keys = cases("member_key")[0]
    seal, box = keys["deviceSeals"][0], keys["boxes"][0]
    found += signed(
        "device seal",
        read_signed(seal["seal"]),
        lambda data: verify_device_seal(data, raw(seal["member"]), raw(seal["device"]), raw(seal["dk"]), 0),
    )
    key = decode_member_key(raw(box["memberKey"]))
    found.append(
        Target(
            "member box",
            raw(box["box"]),
            lambda data: open_member_box(data, raw(box["seed"]), key, raw(box["device"]), box["k"]),
        )
    )
    return found


def space_targets() -> list[Target]:
    found = []
    case = cases("roster")[0]
    space, chains = raw(case["space"]), read_chains(case["chains"])
    links = [read_signed(link) for link in case["links"]]
    for n, link in enumerate(links):
        before = links[:n]
        found += signed(f"roster link {n}", link, bound(_replay, before, space, chains))
    case = cases("epoch")[0]
    people, announced = read_chains(case["chains"]), read_signed(case["announcement"])
    roster, previous = read_roster(case["roster"], people), read_head(case["previous"])
    found += signed("announcement", announced, lambda data: verify_announcement(data, roster, previous, people))
    announcement, one = decode_announcement(announced.body), case["members"][0]
    row = own_row(announcement, raw(case["recipients"]), raw(one["member"]))
    found += [
        Target("recipients", raw(case["recipients"]), lambda data: own_row(announcement, data, raw(one["member"]))),
        Target("epoch seal", raw(one["seal"]), lambda data: open_epoch(announcement, row, data, raw(one["mkSeed"]))),
    ]
    said = cases("complaint")[0]

    def complain(data: Signed) -> None:
        decode_complaint(data.body)
        verify_body(raw(said["dk"]), data.signature, Label.COMPLAINT, data.body)

    found += signed("complaint", read_signed(said["complaint"]), complain)
    given_ = cases("grant")[0]
    known = {a.epoch: a for a in (decode_announcement(raw(body)) for body in given_["announcements"])}
    found.append(
        Target(
            "grant",
            raw(given_["sealed"]),
            lambda data: open_grant(
                data,
                raw(given_["space"]),
                raw(given_["member"]),
                given_["generation"],
                raw(given_["mkSeed"]),
                raw(given_["mk"]),
                known,
            ),
        )
    )
    return found


def _archive(data: bytes, case: dict[str, Any]) -> None:
    unwrap_archive(raw(case["newer"]), raw(case["member"]), case["generation"], data)


def _branch(data: bytes, case: dict[str, Any]) -> None:
    head, commits = case["epoch"], [raw(commit) for commit in case["commits"]]
    place = raw(case["key"]), raw(case["member"]), raw(case["space"]), head["n"], raw(head["hash"]), case["b"]
    unwrap_branch(*place, data, commits)


def envelope_targets() -> list[Target]:
    found = []
    for case in cases("envelope")[:4]:

        def take(data: bytes, case: dict[str, Any] = case) -> None:
            envelope = decode_envelope(data)
            envelope.verify(raw(case["dk"]))
            open_envelope(envelope, raw(case["branch"]))

        found.append(Target(f"envelope: {case['about']}", raw(case["data"]), take))
    for case in cases("rewrap")[::4]:
        if case["what"] == "archive":
            found.append(Target("archive wrap", raw(case["wrap"]), bound(_archive, case)))
        else:
            found.append(Target(f"branch wrap {case['b']}", raw(case["wrap"]), bound(_branch, case)))
    invite = cases("invite")[0]
    found.append(
        Target(
            "invite MAC",
            raw(invite["mac"]),
            lambda data: check_invite_mac(
                raw(invite["secret"]), raw(invite["token"]), raw(invite["inviter"]), raw(invite["newcomer"]), data
            ),
        )
    )
    return found


TARGETS = [*member_targets(), *space_targets(), *envelope_targets()]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_is_not_the_original_is_refused(target: Target) -> None:
    target.take(target.original)

    @BOUNDED
    @given(mutations(target.original))
    def refused(data: bytes) -> None:
        try:
            target.take(data)
        except ProtocolError:
            assert data != target.original
        else:
            assert data == target.original, data.hex()

    refused()


@settings(BOUNDED, max_examples=2000)
@given(st.one_of(st.binary(max_size=300), *(mutations(raw(case["data"])) for case in cases("cbor"))))
def test_cbor_that_is_taken_is_its_own_encoding(data: bytes) -> None:
    try:
        value = decode(data, 1 << 20)
    except ProtocolError:
        return
    assert encode(value) == data


@settings(BOUNDED, max_examples=500)
@given(st.integers(1, 5000), st.sampled_from([b"\x81", b"\xa1\x00", b"\x9f", b"\xbf\x00", b"\xc1", b"\x5f"]))
def test_deep_nesting_neither_hangs_nor_overflows(depth: int, opening: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(opening * depth, 1 << 20)


@BOUNDED
@given(st.integers(4, 8), st.sampled_from([0x40, 0x60, 0x80, 0xA0]), st.binary(max_size=20))
def test_lengths_that_promise_more_than_there_is_cost_nothing(width: int, major: int, rest: bytes) -> None:
    size = {4: 0x1A, 5: 0x1A, 6: 0x1B, 7: 0x1B, 8: 0x1B}[width]
    promise = b"\xff" * (4 if size == 0x1A else 8)
    with pytest.raises(ProtocolError):
        decode(bytes([major | size]) + promise + rest, 1 << 20)


@settings(BOUNDED, max_examples=1000)
@given(st.one_of(st.text(max_size=200), *(mutations(case["fragment"].encode()) for case in cases("invite"))))
def test_a_join_link_is_taken_as_written_or_not_at_all(text: str | bytes) -> None:
    fragment = text if isinstance(text, str) else text.decode("latin-1")
    try:
        link = parse_fragment(fragment)
    except ProtocolError:
        return
    assert link.fragment() == fragment


@BOUNDED
@given(st.one_of(st.text(max_size=300), *(st.permutations(case["words"].split()) for case in cases("words")[:2])))
def test_words_are_taken_or_refused(words: str | list[str]) -> None:
    try:
        from_words(words if isinstance(words, str) else " ".join(words))
    except ProtocolError:
        return
