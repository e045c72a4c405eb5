"""Must fail at the server: section 13's checks of spaces, and cases of section 14 that only a server can see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from circle_client.protocol import contents
from circle_client.protocol.branches import HOUR
from circle_client.protocol.cbor import encode
from circle_client.protocol.envelope import Envelope, Header, Kind, decode_envelope, make_id
from circle_client.protocol.epoch import (
    decode_announcement,
    decode_recipients,
    encode_recipients,
    make_announcement,
    make_complaint,
)
from circle_client.protocol.epoch_keys import NewEpoch
from circle_client.protocol.errors import Layer
from circle_client.protocol.grant import GrantEntry, seal_grant
from circle_client.protocol.labels import Label
from circle_client.protocol.padding import pad
from circle_client.protocol.primitives import Z32, sha256
from circle_client.protocol.roster import Policy, Role, SpaceType, make_add, make_create, make_policy
from circle_client.protocol.structures import Head, Signed, sign

from sdk.vectors.maker import forms
from sdk.vectors.maker.bad_envelopes import seal_padded
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.structures import group
from sdk.vectors.maker.world import Person, Space, uuid4


def asker(person: Person) -> Case:
    """Signed in with the present device."""
    return {"member": person.member.hex(), "device": person.device.id.hex()}


def space_row(space: Space, **changed: Any) -> Case:
    """The space's row, its epoch accepted just now."""
    row: Case = {"space": space.id.hex(), "lifetime": space.roster.policy.lifetime, "head": forms.head(space.head)}
    row |= {"epoch": forms.head(space.epoch), "acceptedAt": space.time, "envelopes": 0, "due": None}
    return {**row, **changed}


def recipient_row(person: Person) -> Case:
    """A roster member's rows."""
    row = {**forms.head(person.chain.head), "identity": person.chain.identity.hex()}
    return {**row, "generation": person.generation, "keyHash": sha256(person.newest.mk).hex()}


def envelope_cases() -> list[Case]:
    """Envelopes, in the order of the checks."""
    refused = Refused("server-envelope")
    space, ada, ben, _ = group()
    good = space.seal(ada, contents.message("hello"))

    def case(about: str, envelope: Envelope = good, layer: Layer = Layer.SERVER, **changed: Any) -> None:
        seat = space.roster.seats[ada.member]
        sender = {"dk": ada.device.dk.hex(), "n": ada.chain.state.n, "identity": ada.chain.identity.hex()}
        given: Case = {"data": envelope.data.hex(), "asker": asker(ada), "space": space_row(space)}
        given |= {"sender": {**sender, "seat": [seat.identity.hex(), int(seat.role)]}}
        given |= {"known": None, "ref": None, "seenHash": space.head.hash.hex(), "now": space.time}
        for name, value in changed.items():
            given[name] = {**given[name], **value} if isinstance(value, dict) and given[name] else value
        refused.add(about, layer, "server.envelope", given)

    case("id older than 14 days", now=space.time + 14 * 24 * HOUR + 60_000)
    early = replace(space.header(ada), id=make_id(space.time + 25 * HOUR, ada.roll(10)))
    branch, seed = space.epochs[0].branches[0], ada.device.dk_seed
    case("id more than a day ahead", _sealed(early, branch, seed))
    case("another member's session", asker=asker(ben))
    case("another device's session", asker={"device": "00" * 16})
    case("session without a device", asker={"device": None})
    case("revoked device", sender={"dk": None})
    case("id with other bytes", known={"data": good.data[:-1].hex() + "00", "item": good.item.hex()})
    case("id with another item", known={"data": None, "item": "11" * 32})
    case("sender not in the roster", sender={"seat": None})
    case("sender with another ID than the roster's", sender={"identity": "11" * 32})
    case("another space's row", space={"space": "11" * 16})
    case("a signal to keep", space.seal(ada, {0: "ring"}, Kind.SIGNAL, 1))
    case("role: a reader's message", sender={"seat": [ada.chain.identity.hex(), 0]}, layer=Layer.ENVELOPE)
    case("b above policy", space={"lifetime": 2}, layer=Layer.ENVELOPE)
    edit = space.seal(ada, contents.message("edited"), Kind.EDIT, 0, good.header.id)
    by_ben = {"kind": int(Kind.MESSAGE), "author": ben.member.hex(), "b": 0}
    case("edit by another", edit, Layer.ENVELOPE, ref=by_ben)
    case("edit of what is not in this space", edit, Layer.ENVELOPE)
    case("signature by another device", sender={"dk": ben.device.dk.hex()}, layer=Layer.ED25519)
    case("field 7 not current", sender={"n": 1})
    case("epoch before", space={"epoch": forms.head(Head(2, Z32))})
    case("other h_e", space={"epoch": forms.head(Head(1, Z32))})
    for reason in ("ROSTER", "MEMBER_CHAIN", "COMPLAINT"):
        case(f"epoch due: {reason}", space={"due": reason})
    case("epoch due: COUNT", space={"envelopes": 5000})
    case("epoch due: AGE", now=space.time + 24 * HOUR)
    case("seen another hash", seenHash="11" * 32)
    case("seen beyond the log", space={"head": forms.head(Head(1, Z32))})
    case("seen what the server does not hold", seenHash=None)
    nothing = replace(space.header(ada), seen=Head(0, space.head.hash))
    case("seen another l_0", _sealed(nothing, branch, seed))
    return refused.cases


def _sealed(header: Header, branch: bytes, seed: bytes) -> Envelope:

    return decode_envelope(seal_padded(header, pad(encode(contents.message("x"))), branch, seed))


class Announcements:
    """A group whose next epoch is due."""

    def __init__(self) -> None:
        self.refused = Refused("server-epoch")
        self.space, self.ada, self.ben, self.cyd = group()
        self.row: Case = {"due": "COMPLAINT"}

    def case(
        self, about: str, epoch: NewEpoch, by: Person | None = None, layer: Layer = Layer.SERVER, **changed: Any
    ) -> None:
        """An announcement by Ada, or by another."""
        person, space = by or self.ada, self.space
        people = (self.ada, self.ben, self.cyd)
        given: Case = {"announcement": forms.signed(epoch.announcement), "recipients": epoch.recipients.hex()}
        given |= {"seals": [seal.hex() for seal in epoch.seals], "asker": asker(person)}
        given |= {"chain": forms.chain(person.member, person.links), "space": space_row(space, **self.row)}
        given |= {"roster": forms.roster_links(space.id, space.links), "chains": forms.chains(people)}
        given |= {"members": {p.member.hex(): recipient_row(p) for p in people}, "now": space.time}
        self.refused.add(about, layer, "server.announcement", {**given, **changed})


def announcement_cases() -> list[Case]:
    """Announcements, in the order of the checks."""
    a = Announcements()
    space, ada, ben, cyd = a.space, a.ada, a.ben, a.cyd
    good = space.make(ada)
    a.case("another member's session", good, asker=asker(ben))
    a.case("two for one e", space.epochs[0])
    a.case("a number left out", good, space=space_row(space, epoch=forms.head(Head(0, space.epoch.hash)), due="FIRST"))
    a.case("other hash before", good, space=space_row(space, epoch=forms.head(Head(1, Z32)), due="COUNT"))
    a.case("not due", good, space=space_row(space))
    rows = decode_recipients(good.recipients)
    a.case("seal missing", replace(good, seals=good.seals[:2]))
    a.case("seal extra", replace(good, seals=(*good.seals, good.seals[0])))
    a.case("seals swapped", replace(good, seals=(good.seals[1], good.seals[0], good.seals[2])))
    a.case("seal cut", replace(good, seals=(good.seals[0][:-1], *good.seals[1:])))
    a.case("another list than the announced one", replace(good, recipients=space.epochs[0].recipients))
    a.case("a reader as creator", space.make(cyd), cyd)
    forged = sign(ben.device.dk_seed, Label.EPOCH, good.announcement.body)
    a.case("signed by another", replace(good, announcement=forged), layer=Layer.ED25519)
    for about, changed in {
        "recipient's old head": {"n": 1, "hash": "11" * 32},
        "recipient's old g": {"generation": 2},
        "recipient's MK": {"keyHash": "11" * 32},
        "recipient of another ID": {"identity": "11" * 32},
    }.items():
        people: Case = {p.member.hex(): recipient_row(p) for p in (ada, ben, cyd)}
        people[cyd.member.hex()] |= changed
        a.case(about, good, members=people)
    everybody = space.people
    space.people = {ada.member: ada, ben.member: ben}
    a.case("recipient missing", space.make(ada))
    space.people = everybody
    unsorted = _relisted(space, ada, list(reversed(rows)))
    a.case("unsorted", unsorted, layer=Layer.EPOCH)
    a.case("double", _relisted(space, ada, [rows[0], *rows]), layer=Layer.EPOCH)
    space.take(make_policy(space.place, Policy(1, True), ada.signer(), ada.device.dk_seed, space.tick()))
    a.case("roster has moved on", good)
    fresh = space.make(ada)
    ada.add_device()
    a.case("creator's chain has moved on", fresh)
    return a.refused.cases


def _relisted(space: Space, creator: Person, rows: list[Any]) -> NewEpoch:

    good = space.make(creator)
    commits = decode_announcement(good.announcement.body).commits
    seed = creator.device.dk_seed
    head, signer = space.roster.head, creator.signer()
    made = make_announcement(space.id, space.epoch, head, rows, commits, signer, seed, space.tick())
    return replace(good, announcement=made, recipients=encode_recipients(rows))


def space_cases() -> list[Case]:
    """Roster links, complaints, grants."""
    refused = Refused("server-space")
    space, ada, ben, cyd = group()
    eve = Person.create("Eve")
    seed = ada.device.dk_seed

    def link(about: str, made: Signed, layer: Layer = Layer.SERVER, **changed: Any) -> None:
        people = (ada, ben, cyd, eve)
        given: Case = {"link": forms.signed(made), "asker": asker(ada), "chain": forms.chain(ada.member, ada.links)}
        given |= {"roster": forms.roster_links(space.id, space.links), "chains": forms.chains(people)}
        given |= {"epoch": forms.head(space.epoch)}
        given |= {"identities": {p.member.hex(): p.chain.identity.hex() for p in people}}
        refused.add(about, layer, "server.rosterLink", {**given, **changed})

    good = make_policy(space.place, Policy(1), ada.signer(), seed, 1)
    link("another member's session", good, asker=asker(ben))
    link("session without a device", good, asker={"member": ada.member.hex(), "device": None})
    link("old field 6", good, Layer.ROSTER, epoch=forms.head(Head(2, Z32)))
    by_reader = make_policy(space.place, Policy(1), cyd.signer(), cyd.device.dk_seed, 1)
    as_reader = {"asker": asker(cyd), "chain": forms.chain(cyd.member, cyd.links)}
    link("role", by_reader, Layer.ROSTER, **as_reader)
    other_id = make_add(space.place, eve.member, Z32, Role.WRITER, ada.signer(), seed, 1)
    link("adds an ID that is not the member's", other_id)
    stranger = make_add(space.place, uuid4(ada.roll), Z32, Role.WRITER, ada.signer(), seed, 1)
    link("adds nobody known", stranger)
    seats = [ada.seat(Role.OWNER), (ben.member, replace(ben.seat(Role.OWNER)[1], identity=Z32))]
    created = make_create(uuid4(ada.roll), SpaceType.DIRECT, seats, Policy(), ada.signer(), seed, 1)
    link("creates with an ID that is not the member's", created, roster=None, epoch=forms.head(Head(0, Z32)))
    ada.add_device()
    link("signer's head is not current", good, Layer.MEMBER)

    row = decode_recipients(space.epochs[0].recipients)[0]
    person = space.people[row.member]
    device = person.device
    listed: Case = {"member": row.member.hex(), "sealHash": row.seal_hash.hex()}

    def complain(about: str, made: Signed, layer: Layer = Layer.SERVER, **changed: Any) -> None:
        given: Case = {"complaint": forms.signed(made), "asker": asker(person), "space": space.id.hex()}
        given |= {"chain": forms.chain(person.member, person.links), "epochHash": space.epoch.hash.hex()}
        refused.add(about, layer, "server.complaint", {**given, "row": listed, "complainedThisHour": False, **changed})

    def complaint(epoch: Head = space.epoch, seal_hash: bytes = row.seal_hash) -> Signed:
        return make_complaint(space.id, epoch, seal_hash, person.signer(), device.dk_seed, 1)

    other = ben if person is not ben else cyd
    complain("another member's complaint", complaint(), asker=asker(other))
    complain("about an unknown epoch", complaint(), epochHash=None)
    complain("about another h_e", complaint(Head(1, Z32)))
    complain("about another seal", complaint(seal_hash=Z32))
    complain("by a member that is not listed", complaint(), row=None)
    complain("in another space", complaint(), space="11" * 16)
    complain("twice an hour", complaint(), complainedThisHour=True)
    forged = sign(other.device.dk_seed, Label.COMPLAINT, complaint().body)
    complain("complaint signed by another", forged, Layer.ED25519)

    entries = [GrantEntry(1, 0, space.epochs[0].branches[0])]
    sealed = seal_grant(space.id, cyd.member, 1, cyd.newest.mk, entries)
    seat = [cyd.chain.identity.hex(), 0]

    def grant(about: str, **changed: Any) -> None:
        given: Case = {"sealed": sealed.hex(), "giver": seat, "seat": seat, "taker": recipient_row(cyd)}
        given["generation"] = 1
        refused.add(about, Layer.SERVER, "server.grant", {**given, **changed})

    grant("grant that is too short", sealed="00" * 1136)
    grant("grant by a non-member", giver=None)
    grant("grant to a non-member", seat=None)
    grant("grant to another ID", seat=[Z32.hex(), 0])
    grant("grant for another g", generation=2)
    return refused.cases
