"""Opens what the TypeScript core made (`sdk/vectors/typescript.json`) with the Python core."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from circle_client.protocol.cbor import encode
from circle_client.protocol.envelope import decode_envelope, open_envelope
from circle_client.protocol.epoch import decode_announcement, decode_complaint
from circle_client.protocol.epoch_keys import (
    RecipientKey,
    check_own_row,
    check_recipients,
    open_epoch,
    own_row,
    verify_announcement,
)
from circle_client.protocol.grant import open_grant
from circle_client.protocol.labels import Label, verify_body
from circle_client.protocol.member import SignedMemberLink
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.member_key import (
    decode_member_key,
    open_member_box,
    verify_device_seal,
    verify_living_key,
)
from circle_client.protocol.primitives import hpke_open, xwing_public
from circle_client.protocol.rewrap import unwrap_archive, unwrap_branch
from circle_client.protocol.roster_state import replay_roster
from circle_client.protocol.structures import Head, Signed

Case = Mapping[str, Any]

FILE = Path(__file__).parents[2] / "sdk" / "vectors" / "typescript.json"
CASES: list[Case] = json.loads(FILE.read_text(encoding="utf-8"))["cases"]


def raw(value: str) -> bytes:
    return bytes.fromhex(value)


def head(value: Case) -> Head:
    return Head(value["n"], raw(value["hash"]))


def signed(value: Case) -> Signed:
    return Signed(raw(value["body"]), raw(value["signature"]))


def link(value: Case) -> SignedMemberLink:
    cosignature = value["cosignature"]
    return SignedMemberLink(
        raw(value["body"]), raw(value["signature"]), None if cosignature is None else raw(cosignature)
    )


def chain(value: Case) -> MemberChain:
    return MemberChain.verify([link(item) for item in value["links"]], raw(value["member"]))


def check_seal(case: Case) -> None:
    assert xwing_public(raw(case["seed"])).hex() == case["public"]
    assert hpke_open(raw(case["seed"]), raw(case["info"]), raw(case["sealed"])).hex() == case["text"]


def check_member(case: Case) -> None:
    whole = chain(case["chain"])
    assert whole.head.hash.hex() == case["hash"]
    assert verify_living_key(signed(case["key"]), whole).key_hash.hex() == case["keyHash"]


def check_device_seal(case: Case) -> None:
    found = verify_device_seal(signed(case["seal"]), raw(case["member"]), raw(case["device"]), raw(case["dk"]))
    assert (found.generation, found.key.hex()) == (case["k"], case["key"])


def check_box(case: Case) -> None:
    key = decode_member_key(raw(case["memberKey"]))
    secrets = open_member_box(raw(case["box"]), raw(case["seed"]), key, raw(case["device"]), case["k"])
    assert (secrets.secret.hex(), secrets.archive.hex()) == (case["secret"], case["archive"])


def check_archive(case: Case) -> None:
    archive = unwrap_archive(raw(case["newer"]), raw(case["member"]), case["generation"], raw(case["wrap"]))
    assert archive.hex() == case["archive"]


def check_branch_wrap(case: Case) -> None:
    place = head(case["epoch"])
    commits = [raw(item) for item in case["commits"]]
    key, member, space, wrap = (raw(case[name]) for name in ("key", "member", "space", "wrap"))
    found = unwrap_branch(key, member, space, place.n, place.hash, case["b"], wrap, commits)
    assert found.hex() == case["branch"]


def check_epoch(case: Case) -> None:
    chains = {raw(item["member"]): chain(item) for item in case["chains"]}
    space = raw(case["roster"]["space"])
    roster = replay_roster([signed(item) for item in case["roster"]["links"]], space, chains.__getitem__)[-1]
    previous = head(case["previous"])
    announcement = verify_announcement(signed(case["announcement"]), roster, previous, chains.__getitem__)
    assert announcement.hash.hex() == case["hash"]
    recipients = raw(case["recipients"])
    for one in case["members"]:
        row = own_row(announcement, recipients, raw(one["member"]))
        check_own_row(row, chains[row.member], 0, {one["generation"]: row.key_hash})
        branches = open_epoch(announcement, row, raw(one["seal"]), raw(one["mkSeed"]))
        assert [branch.hex() for branch in branches] == case["branches"]
    expected = []
    for item in case["keys"]:
        whole = chains[decode_member_key(raw(item["body"])).member]
        key = verify_living_key(signed(item), whole)
        expected.append(RecipientKey(key.member, whole.head, key.generation, key.key))
    check_recipients(recipients, announcement, expected)


def check_complaint(case: Case) -> None:
    complaint = signed(case["complaint"])
    verify_body(raw(case["dk"]), complaint.signature, Label.COMPLAINT, complaint.body)
    found = decode_complaint(complaint.body)
    assert found.seal_hash.hex() == case["sealHash"]
    assert found.signer.member.hex() == case["signer"]["member"]


def check_grant(case: Case) -> None:
    announcements = {found.epoch: found for found in (decode_announcement(raw(b)) for b in case["announcements"])}
    sealed, space, member = (raw(case[name]) for name in ("sealed", "space", "member"))
    mk_seed, mk = raw(case["mkSeed"]), raw(case["mk"])
    entries = open_grant(sealed, space, member, case["generation"], mk_seed, mk, announcements)
    assert [[entry.epoch, entry.b, entry.branch.hex()] for entry in entries] == case["entries"]


def check_envelope(case: Case) -> None:
    envelope = decode_envelope(raw(case["data"]))
    envelope.verify(raw(case["dk"]))
    assert encode(open_envelope(envelope, raw(case["branch"]))).hex() == case["content"]
    assert envelope.item.hex() == case["item"]


CHECKS: dict[str, Callable[[Case], None]] = {
    "seal": check_seal,
    "member": check_member,
    "deviceSeal": check_device_seal,
    "box": check_box,
    "archive": check_archive,
    "branch": check_branch_wrap,
    "epoch": check_epoch,
    "complaint": check_complaint,
    "grant": check_grant,
    "envelope": check_envelope,
}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['what']}: {case['about']}" for case in CASES])
def test_python_opens_what_typescript_made(case: Case) -> None:
    CHECKS[case["what"]](case)


def test_every_kind_was_made() -> None:
    assert {case["what"] for case in CASES} == set(CHECKS)
