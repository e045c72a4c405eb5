"""The positive vectors hold: every file of sdk/vectors but invalid.json, read back and made again where that can be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from circle_client.protocol import (
    account,
    cbor,
    epoch,
    labels,
    linking,
    markers,
    member_key,
    padding,
    primitives,
    rewrap,
    words,
)
from circle_client.protocol.branches import branches, commits
from circle_client.protocol.envelope import decode_envelope, open_envelope, seal_envelope
from circle_client.protocol.epoch_keys import (
    RecipientKey,
    check_own_row,
    check_recipients,
    open_epoch,
    own_row,
    verify_announcement,
)
from circle_client.protocol.grant import open_grant
from circle_client.protocol.invite import InviteLink, check_invite_mac, invite_mac, parse_fragment
from circle_client.protocol.labels import Label
from circle_client.protocol.log import LogView, next_hash
from circle_client.protocol.member import apply_member_link
from circle_client.protocol.password import password_root
from circle_client.protocol.roster_state import apply_roster_link
from circle_client.protocol.safety import read_safety_qr, safety_number, safety_qr

from sdk.vectors.maker import forms
from sdk.vectors.maker.account import book_form
from sdk.vectors.maker.ops_read import (
    raw,
    read_chain,
    read_chains,
    read_entries,
    read_head,
    read_header,
    read_link,
    read_roster,
    read_signed,
)
from sdk.vectors.maker.write import FILES

VECTORS = Path(__file__).parents[2] / "sdk" / "vectors"
Case = dict[str, Any]


def load(name: str) -> Case:
    document: Case = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    return document


def check_cbor(case: Case) -> None:
    data = raw(case["data"])
    assert cbor.encode(cbor.decode(data, 1 << 20)) == data


def check_labels(case: Case) -> None:
    value, label = cbor.decode(raw(case["value"]), 4096), Label(case["label"])
    assert labels.x(label, value).hex() == labels.x_body(label, raw(case["value"])).hex() == case["x"]
    assert labels.h(label, value).hex() == labels.h_body(label, raw(case["value"])).hex() == case["h"]


def check_derivations(case: Case) -> None:
    value = cbor.decode(raw(case["value"]), 4096)
    output = labels.kdf(raw(case["key"]), raw(case["salt"]), Label(case["label"]), value, case["length"])
    assert output.hex() == case["output"]


def check_ed25519(case: Case) -> None:
    primitives.verify(raw(case["key"]), raw(case["signature"]), raw(case["message"]))
    assert primitives.public_key(raw(case["seed"])).hex() == case["key"]


def check_xwing(case: Case) -> None:
    assert primitives.xwing_public(raw(case["seed"])).hex() == case["public"]
    assert primitives.hpke_open(raw(case["seed"]), raw(case["info"]), raw(case["sealed"])).hex() == case["text"]


def check_padding(case: Case) -> None:
    assert padding.padded(case["length"]) == case["padded"]
    assert padding.is_padded_size(case["padded"])
    if "p" in case:
        assert padding.pad(raw(case["text"])).hex() == case["p"]
        assert padding.unpad(raw(case["p"])).hex() == case["text"]


def check_words(case: Case) -> None:
    entropy = raw(case["entropy"])
    assert " ".join(words.to_words(entropy)) == case["words"]
    assert words.from_words(case["words"], len(entropy)) == entropy
    if "member" in case:
        keys = words.recovery_keys(entropy, raw(case["member"]))
        found = {"rsSeed": keys.rs_seed, "rs": keys.rs, "rxSeed": keys.rx_seed, "rx": keys.rx}
        assert {name: value.hex() for name, value in found.items()} == {name: case[name] for name in found}


def check_password(case: Case) -> None:
    root = password_root(case["password"], raw(case["salt"]))
    assert (root.root.hex(), root.auth_key().hex()) == (case["root"], case["authKey"])
    assert root.unlock_key(raw(case["member"]), raw(case["device"])).hex() == case["unlockKey"]


def check_invite(case: Case) -> None:
    link = parse_fragment(case["fragment"])
    assert link.token.hex() == case["token"]
    if "mac" not in case:
        assert link == InviteLink(raw(case["token"]))
        return
    assert link.secret is not None
    assert link.inviter is not None
    assert (link.secret.hex(), link.inviter.hex()) == (case["secret"], case["inviter"])
    assert invite_mac(link.secret, link.token, link.inviter, raw(case["newcomer"])).hex() == case["mac"]
    check_invite_mac(link.secret, link.token, link.inviter, raw(case["newcomer"]), raw(case["mac"]))


def check_safety(case: Case) -> None:
    own, other = raw(case["own"]), raw(case["other"])
    assert (safety_number(own, other), safety_qr(own, other)) == (case["number"], case["qr"])
    assert read_safety_qr(f" {case['qr']}\n") == (min(own, other), max(own, other))


def check_member(case: Case) -> None:
    state = None
    for link, expected in zip(case["chain"]["links"], case["states"], strict=True):
        state = apply_member_link(state, read_link(link))
        assert forms.member_state(state) == expected
    chain = read_chain(case["chain"])
    for key in case["keys"]:
        found = member_key.verify_member_key(read_signed(key["key"]), chain)
        assert (found.generation, found.chain.n, found.hash.hex()) == (key["generation"], key["n"], key["hash"])
        assert (found.key_hash.hex(), chain.lives(found.chain.n)) == (key["keyHash"], key["living"])
    member_key.verify_living_key(read_signed(case["keys"][-1]["key"]), chain)


def check_member_key(case: Case) -> None:
    for seal in case["deviceSeals"]:
        found = member_key.verify_device_seal(
            read_signed(seal["seal"]), raw(seal["member"]), raw(seal["device"]), raw(seal["dk"]), seal["generation"]
        )
        assert found.key.hex() == seal["key"] == primitives.xwing_public(raw(seal["seed"])).hex()
    for box in case["boxes"]:
        key = member_key.decode_member_key(raw(box["memberKey"]))
        secrets = member_key.open_member_box(raw(box["box"]), raw(box["seed"]), key, raw(box["device"]), box["k"])
        found_keys = (secrets.secret, secrets.mk_seed, secrets.mk, secrets.archive)
        assert [value.hex() for value in found_keys] == [box["secret"], box["mkSeed"], box["mk"], box["archive"]]


def check_roster(case: Case) -> None:
    chains, roster = read_chains(case["chains"]), None
    for link, expected in zip(case["links"], case["states"], strict=True):
        roster = apply_roster_link(roster, read_signed(link), chains)
        assert forms.roster(roster) == expected


def check_epoch(case: Case) -> None:
    chains = read_chains(case["chains"])
    roster = read_roster(case["roster"], chains)
    found = verify_announcement(read_signed(case["announcement"]), roster, read_head(case["previous"]), chains)
    assert found.hash.hex() == case["hash"]
    recipients = raw(case["recipients"])
    rows = epoch.decode_recipients(recipients)
    assert epoch.encode_recipients(rows) == recipients
    expected = []
    for chain, signed in zip(case["chains"], case["keys"], strict=True):
        member = read_chain(chain)
        key = member_key.verify_living_key(read_signed(signed), member)
        expected.append(RecipientKey(member.member, member.head, key.generation, key.key))
    check_recipients(recipients, found, expected)
    for member_case, chain in zip(case["members"], case["chains"], strict=True):
        row = own_row(found, recipients, raw(member_case["member"]))
        assert cbor.encode(row.value()).hex() == member_case["row"]
        check_own_row(row, read_chain(chain), 0, {row.generation: row.key_hash})
        keys = open_epoch(found, row, raw(member_case["seal"]), raw(member_case["mkSeed"]))
        assert [key.hex() for key in keys] == case["branches"]
    keys = tuple(raw(key) for key in case["branches"])
    assert [value.hex() for value in commits(keys, found.space, found.epoch)] == case["commits"]


def check_complaint(case: Case) -> None:
    signed = read_signed(case["complaint"])
    found = epoch.decode_complaint(signed.body)
    labels.verify_body(raw(case["dk"]), signed.signature, Label.COMPLAINT, signed.body)
    assert (found.space.hex(), forms.head(found.epoch)) == (case["space"], case["epoch"])
    assert (found.seal_hash.hex(), found.time, found.hash.hex()) == (case["sealHash"], case["time"], case["hash"])
    assert found.signer.member.hex() == case["signer"]["member"]


def check_grant(case: Case) -> None:
    known = [epoch.decode_announcement(raw(body)) for body in case["announcements"]]
    entries = open_grant(
        raw(case["sealed"]),
        raw(case["space"]),
        raw(case["member"]),
        case["generation"],
        raw(case["mkSeed"]),
        raw(case["mk"]),
        {announcement.epoch: announcement for announcement in known},
    )
    assert list(entries) == read_entries(case["entries"])


def check_rewrap(case: Case) -> None:
    member, wrap = raw(case["member"]), raw(case["wrap"])
    if case["what"] == "archive":
        newer, g, archive = raw(case["newer"]), case["generation"], raw(case["archive"])
        assert rewrap.unwrap_archive(newer, member, g, wrap) == archive
        assert rewrap.wrap_archive(newer, member, g, archive) == wrap
        return
    key, space, head, branch = raw(case["key"]), raw(case["space"]), read_head(case["epoch"]), raw(case["branch"])
    announced = [raw(commit) for commit in case["commits"]]
    place = (key, member, space, head.n, head.hash, case["b"])
    assert rewrap.unwrap_branch(*place, wrap, announced) == branch
    assert rewrap.wrap_branch(*place, branch) == wrap


def check_envelope(case: Case) -> None:
    envelope, branch = decode_envelope(raw(case["data"])), raw(case["branch"])
    envelope.verify(raw(case["dk"]))
    assert envelope.header == read_header(case["header"])
    assert (envelope.header_bytes.hex(), envelope.item.hex()) == (case["headerBytes"], case["item"])
    content = open_envelope(envelope, branch)
    assert cbor.encode(content).hex() == case["content"]
    again = seal_envelope(envelope.header, content, branch, raw(case["dkSeed"]))
    assert (again.syn, again.ct, again.item) == (envelope.syn, envelope.ct, envelope.item)


def check_log(case: Case) -> None:
    view, before = LogView(), primitives.Z32
    for entry in case["entries"]:
        before = next_hash(before, entry["seq"], raw(entry["item"]))
        assert before.hex() == view.add(entry["seq"], raw(entry["item"])).hex() == entry["hash"]


def check_later(case: Case) -> None:
    if case["what"] == "chunk":
        chunk = raw(case["chunk"])
        associated = labels.x(Label.CHUNK, [raw(case["version"]), case["index"], case["count"]])
        assert primitives.gcm_open(raw(case["key"]), chunk[:12], chunk[12:], associated) == raw(case["part"])
    elif case["what"] == "share":
        associated = labels.x(Label.SHARE, [raw(case["id"])])
        text = primitives.gcm_open(raw(case["key"]), primitives.NONCE_0, raw(case["box"]), associated)
        assert text == raw(case["text"])
    elif case["what"] == "media":
        value = cbor.decode(raw(case["value"]), 4096)
        assert labels.open_seal(raw(case["seed"]), Label.MEDIA, value, raw(case["sealed"])) == raw(case["base"])
    else:
        request, answer = raw(case["request"]), raw(case["answer"])
        for label, mac, text in (
            (Label.LINK_REQUEST, case["requestMac"], request),
            (Label.LINK_ANSWER, case["answerMac"], primitives.sha256(request) + answer),
        ):
            assert primitives.mac(labels.kdf(raw(case["k"]), b"", label, [], 32), text).hex() == mac


def check_account(case: Case) -> None:
    book = account.AccountBook()
    for seq, content in enumerate(case["contents"], 1):
        value = cbor.decode(raw(content), 1 << 17)
        read = account.read_account(value)
        book.take(read, seq)
        if read != account.AccountContent():
            assert read.content() == {key: value[key] for key in read.content()}
    assert book_form(book) == book_form(account.AccountBook.load(book.dump())) == case["book"]
    if "sealed" in case:
        envelope = decode_envelope(raw(case["sealed"]["envelope"]))
        envelope.verify(raw(case["sealed"]["dk"]))
        content = open_envelope(envelope, raw(case["sealed"]["branch"]))
        assert (envelope.header.kind, cbor.encode(content).hex()) == (8, case["contents"][0])


def check_markers(case: Case) -> None:
    value = cbor.decode(raw(case["content"]), 1024)
    said: markers.OwnMarker | markers.ReceiptMarker
    if case["scope"] == "OWN":
        said = markers.read_own(value)
        assert said == markers.OwnMarker(raw(case["space"]), case["read"])
    else:
        said = markers.read_receipt(value)
        assert said == markers.ReceiptMarker(case["delivered"], case["read"])
    assert said.content() == {key: value[key] for key in value if key < 2}
    if "sealed" in case:
        envelope = decode_envelope(raw(case["sealed"]["envelope"]))
        envelope.verify(raw(case["sealed"]["dk"]))
        assert (envelope.header.kind, open_envelope(envelope, raw(case["sealed"]["branch"]))) == (5, value)


def check_linking(case: Case) -> None:
    key, member, request, answer = (raw(case[name]) for name in ("k", "member", "request", "answer"))
    assert (" ".join(linking.link_words(key)), linking.link_id(key).hex()) == (case["words"], case["linkId"])
    assert linking.link_key(case["words"]) == key
    found, seal = linking.verify_link_request(key, request, raw(case["requestMac"]), member)
    assert (found.device.hex(), found.dk.hex()) == (case["device"], case["dk"])
    assert (found.device_seal, seal.generation) == (read_signed(case["deviceSeal"]), 1)
    made = linking.make_link_request(key, member, found.device, found.dk, found.device_seal)
    assert [part.hex() for part in made] == [case["request"], case["requestMac"]]
    taken = linking.verify_link_answer(key, request, answer, raw(case["answerMac"]))
    assert (taken.box.hex(), taken.chain, taken.account) == (
        case["box"], read_head(case["chain"]), read_head(case["account"])
    )  # fmt: skip
    made = linking.make_link_answer(key, request, taken.box, taken.chain, taken.account)
    assert [part.hex() for part in made] == [case["answer"], case["answerMac"]]


CHECKS: dict[str, Callable[[Case], None]] = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_") and name.removeprefix("check_") + ".json" in {p.name for p in VECTORS.glob("*.json")}
}


def test_every_file_is_checked() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} - {"typescript"} == {*CHECKS, "invalid"}


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_file(name: str) -> None:
    cases = load(name)["cases"]
    assert cases
    for case in cases:
        CHECKS[name](case)


def test_the_byte_list_of_small_order_points() -> None:
    document = load("ed25519")
    listed = {int.from_bytes(raw(y), "little") for y in document["smallOrder"]}
    assert listed == primitives.SMALL_ORDER_Y
    assert int.from_bytes(raw(document["p"]), "little") == primitives.P
    assert int.from_bytes(raw(document["l"]), "little") == primitives.L


def test_every_label_has_vectors() -> None:
    assert {case["label"] for case in load("labels")["cases"]} == {label.value for label in Label}


def test_branches_of_a_secret_are_those_of_the_vectors() -> None:
    cases = {case["name"]: case for case in load("derivations")["cases"]}
    secret, space = raw(cases["B_0"]["key"]), cbor.decode(raw(cases["B_0"]["value"]), 64)[0]
    assert [key.hex() for key in branches(secret, space, 7)] == [cases[f"B_{b}"]["output"] for b in range(7)]


@pytest.mark.parametrize(
    "name",
    [
        "cbor",
        "labels",
        "derivations",
        "ed25519",
        "padding",
        "words",
        "password",
        "invite",
        "safety",
        "member",
        "linking",
    ],
)
def test_files_without_seals_are_what_the_maker_makes(name: str) -> None:
    assert FILES[name]() == load(name)["cases"]
