"""Must fail: epochs as clients check them (e2ee.md section 14)."""

from __future__ import annotations

from dataclasses import replace

from circle_client.protocol.branches import branches, commits
from circle_client.protocol.cbor import Value
from circle_client.protocol.epoch import (
    Recipient,
    decode_announcement,
    decode_recipients,
    encode_recipients,
    make_announcement,
)
from circle_client.protocol.epoch_keys import NewEpoch, make_epoch
from circle_client.protocol.errors import Layer
from circle_client.protocol.labels import Label, seal
from circle_client.protocol.primitives import Z32, sha256
from circle_client.protocol.roster import Policy, make_policy
from circle_client.protocol.structures import NO_EPOCH, Head, Signed, sign

from sdk.vectors.maker import forms
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.structures import group
from sdk.vectors.maker.world import Person, Space


class Epochs:
    """A group of three with its first epoch; Eve is outside."""

    def __init__(self) -> None:
        self.refused = Refused("epoch")
        self.space, self.ada, self.ben, self.cyd = group()
        self.eve = Person.create("Eve")
        self.first = self.space.epochs[0]

    def people(self) -> list[Person]:
        """Everybody, ascending."""
        return sorted((self.ada, self.ben, self.cyd, self.eve), key=lambda person: person.member)

    def announce(self, rows: list[Recipient], keys: tuple[bytes, ...] | None = None) -> tuple[Signed, bytes]:
        """An announcement of epoch 2 with these rows and commits."""
        space, ada = self.space, self.ada
        named = keys or commits(branches(Z32, space.id, 2), space.id, 2)
        made = make_announcement(
            space.id, space.epoch, space.roster.head, rows, named, ada.signer(), ada.device.dk_seed, space.tick()
        )
        return made, encode_recipients(rows)


def _verify(e: Epochs) -> None:
    space, ada, ben, cyd, eve = e.space, e.ada, e.ben, e.cyd, e.eve

    def case(
        about: str, made: Signed, previous: Head | None = None, layer: Layer = Layer.EPOCH, at: Space = space
    ) -> None:
        given: Case = {"announcement": forms.signed(made), "roster": forms.roster_links(at.id, at.links)}
        given |= {"previous": forms.head(previous or space.epoch), "chains": forms.chains(e.people())}
        e.refused.add(about, layer, "epoch.verify", given)

    def made_by(person: Person, previous: Head | None = None) -> Signed:
        keys = [p.recipient() for p in (ada, ben, cyd)]
        seed = person.device.dk_seed
        return make_epoch(space.roster, previous or space.epoch, keys, person.signer(), seed, space.tick()).announcement

    case("two for one e", e.first.announcement)
    case("a number left out", made_by(ada, Head(2, space.epoch.hash)))
    case("other hash before", made_by(ada, Head(1, Z32)))
    case("the first does not follow zeros", made_by(ada, Head(0, space.epoch.hash)), NO_EPOCH)
    case("a reader as creator", made_by(cyd))
    case("a stranger as creator", made_by(eve))
    good = made_by(ada)
    case("signed by another", sign(ben.device.dk_seed, Label.EPOCH, good.body), layer=Layer.ED25519)
    case("signed as a roster link", sign(ada.device.dk_seed, Label.ROSTER, good.body), layer=Layer.ED25519)
    other, _, _, _ = group()
    other.take(make_policy(other.place, Policy(1), ada.signer(), ada.device.dk_seed, 1))
    case("made for a roster of before", good, at=other)
    tablet, desk = ada.add_device(), ada.device
    before = ada.signer()
    ada.revoke(tablet.id)
    late = replace(before, device=tablet.id, n=ada.chain.state.n, hash=ada.chain.state.hash)
    rows = list(decode_recipients(e.first.recipients))
    by_revoked = make_announcement(
        space.id, space.epoch, space.roster.head, rows, e.first.branches, late, tablet.dk_seed, space.tick()
    )
    case("a revoked device as creator", by_revoked, layer=Layer.MEMBER)
    ada.device = desk
    ben.reset()
    case("a creator of another ID", made_by(ben))


def _rows(e: Epochs) -> list[Recipient]:
    return list(decode_recipients(e.first.recipients))


def _lists(e: Epochs) -> None:
    rows, eve = _rows(e), e.eve
    expected = [person.recipient() for person in e.people() if person is not eve]
    extra = Recipient(eve.member, 0, eve.chain.state.hash, 1, sha256(eve.newest.mk), Z32)

    def case(about: str, listed: list[Recipient], announced: list[Recipient] | None = None) -> None:
        made, _ = e.announce(announced or listed)
        given: Case = {"announcement": made.body.hex(), "recipients": encode_recipients(listed).hex()}
        named = [
            {"member": key.member.hex(), **forms.head(key.head), "generation": key.generation, "mk": key.mk.hex()}
            for key in expected
        ]
        e.refused.add(about, Layer.EPOCH, "epoch.list", {**given, "expected": named})

    case("recipient missing", rows[:2])
    case("recipient extra", sorted([*rows, extra], key=lambda row: row.member))
    case("recipient double", [rows[0], rows[0], *rows[1:]])
    case("recipients unsorted", [rows[1], rows[0], rows[2]])
    case("no recipients", [])
    case("another list than the announced one", rows, rows[:2])
    ada_at = next(i for i, row in enumerate(rows) if row.member == e.ada.member)

    mine = rows[ada_at]

    def changed(row: Recipient) -> list[Recipient]:
        return [*rows[:ada_at], row, *rows[ada_at + 1 :]]

    case("head with another hash", changed(replace(mine, hash=Z32)))
    case("lower g", changed(replace(mine, generation=0)))
    case("another MK", changed(replace(mine, key_hash=Z32)))
    e.ada.add_device()
    expected = [person.recipient() for person in e.people() if person is not eve]
    case("old head", rows)
    e.ada.rotate()
    expected = [person.recipient() for person in e.people() if person is not eve]
    case("old g", changed(replace(mine, n=1, hash=e.ada.chain.state.hash)))
    e.cyd.reset()
    e.cyd.rotate()
    expected = [person.recipient() for person in e.people() if person not in (eve, e.cyd)]
    case("recipient of another ID than the roster's", changed(replace(mine, n=1, hash=e.ada.chain.state.hash)))


def _own(e: Epochs) -> None:
    rows, ada = _rows(e), e.ada
    mine = next(row for row in rows if row.member == ada.member)
    keys = {"1": sha256(ada.newest.mk).hex()}

    def case(about: str, listed: list[Recipient], least: int = 0, known: dict[str, str] = keys) -> None:
        made, data = e.announce(listed)
        given: Case = {"announcement": made.body.hex(), "recipients": data.hex(), "least": least, "keys": known}
        chain = forms.chain(ada.member, ada.links)
        e.refused.add(about, Layer.EPOCH, "epoch.own", {**given, "chain": chain})

    def changed(row: Recipient) -> list[Recipient]:
        return [row if other.member == ada.member else other for other in rows]

    case("own row missing", [row for row in rows if row != mine])
    case("own row double", [row for other in rows for row in ([other, other] if other == mine else [other])])
    case("own head not known", changed(replace(mine, n=9)))
    case("own head with another hash", changed(replace(mine, hash=Z32)))
    case("sealed to a foreign key under one's name", changed(replace(mine, key_hash=Z32)))
    case("sealed to a generation to come", changed(replace(mine, generation=2)))
    tablet = ada.add_device()
    ada.revoke(tablet.id)
    case("own head older than an own link in the log before", rows, least=2)
    ada.rotate()
    newer = {"2": sha256(ada.newest.mk).hex()}
    now = replace(mine, n=2, hash=ada.chain.state.hash)
    case("old g that no rotation has wrapped", changed(now), known=newer)


def _open(e: Epochs) -> None:
    space, ada, ben = e.space, e.ada, e.ben
    epoch: NewEpoch = space.make(ada)
    rows = list(decode_recipients(epoch.recipients))
    seals = dict(zip([row.member for row in rows], epoch.seals, strict=True))
    good = decode_announcement(epoch.announcement.body)

    def case(about: str, member: Person, listed: list[Recipient], keys: tuple[bytes, ...], sealed: bytes) -> None:
        made, data = e.announce(listed, keys)
        given: Case = {"announcement": made.body.hex(), "recipients": data.hex(), "member": member.member.hex()}
        given |= {"mkSeed": member.newest.mk_seed.hex(), "seal": sealed.hex()}
        e.refused.add(about, Layer.EPOCH, "epoch.open", given)

    mine = next(row for row in rows if row.member == ada.member)
    for b in range(len(good.commits)):
        wrong = (*good.commits[:b], Z32, *good.commits[b + 1 :])
        case(f"commit {b} wrong", ada, rows, wrong, seals[ada.member])
    swapped = (good.commits[1], good.commits[0], *good.commits[2:])
    case("two commits swapped", ada, rows, swapped, seals[ada.member])
    context: list[Value] = [space.id, 2, space.epoch.hash, space.roster.hash, ada.member, 1, mine.key_hash]
    for about, secret in (("another S for one", ada.roll(32)), ("a short S", bytes(31))):
        other = seal(ada.newest.mk, Label.EPOCH_SEAL, [*context], secret)
        listed = [replace(row, seal_hash=sha256(other)) if row is mine else row for row in rows]
        case(about, ada, listed, good.commits, other)
    case("another's seal handed out", ada, rows, good.commits, seals[ben.member])
    again = seal(ada.newest.mk, Label.EPOCH_SEAL, [*context], ada.roll(32))
    case("a seal that is not the listed one", ada, rows, good.commits, again)


def epoch_cases() -> list[Case]:
    """All of them."""
    epochs = Epochs()
    for part in (_open, _verify):
        part(epochs)
    for part in (_lists, _own):
        fresh = Epochs()
        fresh.refused = epochs.refused
        part(fresh)
    return epochs.refused.cases
