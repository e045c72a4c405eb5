"""Runs a case of `invalid.json`: each op as the README beside the vectors describes it, on the Python core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from circle_client.protocol import cbor, epoch, member, member_key, primitives, roster
from circle_client.protocol.account import MemberPin, read_account
from circle_client.protocol.envelope import decode_envelope, decode_header, open_envelope
from circle_client.protocol.epoch_keys import (
    RecipientKey,
    check_own_row,
    check_recipients,
    open_epoch,
    own_row,
    verify_announcement,
)
from circle_client.protocol.errors import Code, Layer, ProtocolError
from circle_client.protocol.grant import check_scope, open_grant
from circle_client.protocol.invite import check_invite_mac
from circle_client.protocol.labels import Label, kdf, verify_body
from circle_client.protocol.linking import verify_link_answer, verify_link_request
from circle_client.protocol.log import LogView
from circle_client.protocol.markers import read_own, read_receipt
from circle_client.protocol.password import password_root
from circle_client.protocol.rewrap import unwrap_archive, unwrap_branch
from circle_client.protocol.roster import Role
from circle_client.protocol.roster_state import apply_roster_link, replay_roster
from circle_client.protocol.rules import check_rules
from circle_client.protocol.safety import read_safety_qr
from circle_client.protocol.structures import Head
from circle_client.protocol.words import from_words

from sdk.vectors.maker import ops_server
from sdk.vectors.maker.ops_read import (
    Input,
    raw,
    read_chain,
    read_chains,
    read_entries,
    read_head,
    read_header,
    read_ref,
    read_roster,
    read_signed,
)

ANY = 1 << 20
"""A cap that no vector reaches."""

STRUCTURES: dict[str, Callable[[bytes], object]] = {
    "member-link": member.decode_member_link,
    "member-key": member_key.decode_member_key,
    "device-seal": member_key.decode_device_seal,
    "roster-link": roster.decode_roster_link,
    "announcement": epoch.decode_announcement,
    "complaint": epoch.decode_complaint,
    "recipients": epoch.decode_recipients,
    "header": decode_header,
    "envelope": decode_envelope,
}


def _box(i: Input) -> None:
    key = member_key.decode_member_key(raw(i["memberKey"]))
    member_key.open_member_box(raw(i["box"]), raw(i["seed"]), key, raw(i["device"]), i["k"])


def _chain(i: Input) -> None:
    chain = read_chain(i["chain"])
    if i["pin"] is not None:
        chain.check_pin(read_head(i["pin"]))


def _device_seal(i: Input) -> None:
    member_key.verify_device_seal(read_signed(i["seal"]), raw(i["member"]), raw(i["device"]), raw(i["dk"]), i["known"])


def _roster(i: Input) -> None:
    chains, links = read_chains(i["chains"]), [read_signed(link) for link in i["links"]]
    before = replay_roster(links[:-1], raw(i["space"]), chains)[-1] if len(links) > 1 else None
    after = apply_roster_link(before, links[-1], chains, None if i["newest"] is None else read_head(i["newest"]))
    if after.space != raw(i["space"]):
        raise ProtocolError(Code.CHAIN_CONFLICT, "The roster is another space's.", Layer.ROSTER)


def _epoch_verify(i: Input) -> None:
    chains = read_chains(i["chains"])
    verify_announcement(
        read_signed(i["announcement"]), read_roster(i["roster"], chains), read_head(i["previous"]), chains
    )


def _epoch_own(i: Input) -> None:
    chain = read_chain(i["chain"])
    row = own_row(epoch.decode_announcement(raw(i["announcement"])), raw(i["recipients"]), chain.member)
    check_own_row(row, chain, i["least"], {int(g): raw(digest) for g, digest in i["keys"].items()})


def _epoch_list(i: Input) -> None:
    expected = [RecipientKey(raw(e["member"]), read_head(e), e["generation"], raw(e["mk"])) for e in i["expected"]]
    check_recipients(raw(i["recipients"]), epoch.decode_announcement(raw(i["announcement"])), expected)


def _epoch_open(i: Input) -> None:
    announcement = epoch.decode_announcement(raw(i["announcement"]))
    row = own_row(announcement, raw(i["recipients"]), raw(i["member"]))
    open_epoch(announcement, row, raw(i["seal"]), raw(i["mkSeed"]))


def _envelope_open(i: Input) -> None:
    envelope = decode_envelope(raw(i["data"]))
    envelope.verify(raw(i["dk"]))
    open_envelope(envelope, raw(i["branch"]))


def _rules(i: Input) -> None:
    role = None if i["role"] is None else Role(i["role"])
    check_rules(read_header(i["header"]), role, i["lifetime"], read_ref(i["ref"]))


def _log(items: list[str]) -> LogView:
    view = LogView()
    for seq, item in enumerate(items, 1):
        view.add(seq, raw(item))
    return view


def _log_envelope(i: Input) -> None:
    view = LogView()
    for seq, event in enumerate(i["events"], 1):
        view.add(seq, raw(event["item"]))
        if event["what"] == "epoch":
            view.entered_epoch(Head(i["epoch"]["n"], raw(event["item"])))
        elif event["what"] == "roster":
            view.entered_roster()
        elif event["what"] == "complaint":
            view.entered_complaint()
        elif event["what"] == "memberLink":
            view.entered_member_link(raw(event["member"]), event["n"])
        elif event["what"] == "envelope":
            view.entered_envelope()
    view.check_envelope(decode_envelope(raw(i["data"])), read_chain(i["chain"]))


def _unwrap_branch(i: Input) -> None:
    head = read_head(i["epoch"])
    commits = [raw(commit) for commit in i["commits"]]
    unwrap_branch(raw(i["key"]), raw(i["member"]), raw(i["space"]), head.n, head.hash, i["b"], raw(i["wrap"]), commits)


def _grant_open(i: Input) -> None:
    found = [epoch.decode_announcement(raw(body)) for body in i["announcements"]]
    open_grant(
        raw(i["sealed"]),
        raw(i["space"]),
        raw(i["member"]),
        i["generation"],
        raw(i["mkSeed"]),
        raw(i["mk"]),
        {announcement.epoch: announcement for announcement in found},
    )


def _grant_scope(i: Input) -> None:
    present = read_roster(i["roster"], read_chains(i["chains"]))
    check_scope(read_entries(i["entries"]), present, raw(i["member"]), raw(i["identity"]), frozenset(i["complained"]))


def _kdf(i: Input) -> None:
    value = cbor.decode(raw(i["value"]), ANY)
    if kdf(raw(i["key"]), raw(i["salt"]), Label(i["label"]), value, i["length"]) != raw(i["output"]):
        raise ProtocolError(Code.BAD_COMMIT, "The output is another derivation's.", Layer.DERIVATION)


def _account_pin(i: Input) -> None:
    pin = i["pin"]
    found = MemberPin(raw(pin["member"]), raw(pin["identity"]), read_head(pin), pin["generation"])
    found.check(read_chain(i["chain"]), i["generation"])


OPS: dict[str, Callable[[Input], object]] = {
    "cbor.decode": lambda i: cbor.decode(raw(i["data"]), ANY),
    "cbor.structure": lambda i: STRUCTURES[i["structure"]](raw(i["data"])),
    "ed25519.key": lambda i: primitives.check_public_key(raw(i["key"])),
    "ed25519.verify": lambda i: primitives.verify(raw(i["key"]), raw(i["signature"]), raw(i["message"])),
    "ed25519.body": lambda i: verify_body(raw(i["key"]), raw(i["signature"]), Label(i["label"]), raw(i["body"])),
    "seal.key": lambda i: primitives.check_xwing_key(raw(i["key"])),
    "seal.open": lambda i: primitives.hpke_open(
        raw(i["seed"]), b"circle/v1 " + i["label"].encode() + b"\x00" + raw(i["value"]), raw(i["sealed"])
    ),
    "seal.box": _box,
    "member.chain": _chain,
    "member.key": lambda i: member_key.verify_living_key(read_signed(i["key"]), read_chain(i["chain"]), i["known"]),
    "member.deviceSeal": _device_seal,
    "member.signer": lambda i: read_chain(i["chain"]).signer(raw(i["device"]), i["n"], raw(i["hash"])),
    "roster.chain": _roster,
    "epoch.verify": _epoch_verify,
    "epoch.own": _epoch_own,
    "epoch.list": _epoch_list,
    "epoch.open": _epoch_open,
    "envelope.open": _envelope_open,
    "envelope.rules": _rules,
    "log.items": lambda i: _log(i["items"]),
    "log.seen": lambda i: _log(i["items"]).check_hash(Head(i["at"]["n"], raw(i["at"]["hash"]))),
    "log.envelope": _log_envelope,
    "wrap.archive": lambda i: unwrap_archive(raw(i["newer"]), raw(i["member"]), i["generation"], raw(i["wrap"])),
    "wrap.branch": _unwrap_branch,
    "grant.open": _grant_open,
    "grant.scope": _grant_scope,
    "link.request": lambda i: verify_link_request(raw(i["k"]), raw(i["request"]), raw(i["mac"]), raw(i["member"])),
    "link.answer": lambda i: verify_link_answer(raw(i["k"]), raw(i["request"]), raw(i["answer"]), raw(i["mac"])),
    "account.content": lambda i: read_account(cbor.decode(raw(i["content"]), ANY)),
    "account.pin": _account_pin,
    "account.safety": lambda i: read_safety_qr(i["text"]),
    "marker.own": lambda i: read_own(cbor.decode(raw(i["content"]), ANY)),
    "marker.receipt": lambda i: read_receipt(cbor.decode(raw(i["content"]), ANY)),
    "derivation.kdf": _kdf,
    "derivation.password": lambda i: password_root(
        i["password"], raw(i["salt"]), i["memoryKib"], i["iterations"], i["lanes"]
    ),
    "derivation.words": lambda i: from_words(i["words"]),
    "derivation.invite": lambda i: check_invite_mac(
        raw(i["secret"]), raw(i["token"]), raw(i["inviter"]), raw(i["newcomer"]), raw(i["mac"])
    ),
}


def run(case: Mapping[str, Any]) -> None:
    """Runs a case. Raises the ProtocolError it is refused with; returns where nothing refuses it."""
    {**OPS, **ops_server.OPS}[case["op"]](case["input"])
