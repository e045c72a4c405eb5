"""Positive vectors of epochs, complaints, grants and wraps."""

from __future__ import annotations

from collections.abc import Callable

from circle_client.protocol.branches import CLASSES
from circle_client.protocol.cbor import encode
from circle_client.protocol.epoch import decode_announcement, decode_complaint, decode_recipients, make_complaint
from circle_client.protocol.grant import GrantEntry, seal_grant
from circle_client.protocol.primitives import sha256
from circle_client.protocol.rewrap import wrap_archive, wrap_branch
from circle_client.protocol.roster import Role, make_role
from circle_client.protocol.structures import NO_EPOCH

from sdk.vectors.maker import forms
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.structures import group


def epoch_cases() -> list[Case]:
    """The first epoch and the next of a group of three."""
    space, ada, ben, cyd = group()
    people = sorted((ada, ben, cyd), key=lambda person: person.member)
    cases = []
    for creator in (ada, ben):
        if creator is ben:
            cyd.rotate()
            space.take(make_role(space.place, cyd.member, Role.WRITER, ada.signer(), ada.device.dk_seed, space.tick()))
            previous = space.epoch
            epoch = space.announce(ben)
        else:
            epoch = space.epochs[0]
            previous = NO_EPOCH
        announcement = decode_announcement(epoch.announcement.body)
        rows = decode_recipients(epoch.recipients)
        cases.append(
            {
                "about": f"epoch {epoch.head.n}",
                "announcement": forms.signed(epoch.announcement),
                "recipients": epoch.recipients.hex(),
                "roster": forms.roster_links(space.id, space.links),
                "previous": forms.head(previous),
                "chains": forms.chains(people),
                "hash": epoch.head.hash.hex(),
                "commits": [commit.hex() for commit in announcement.commits],
                "branches": [branch.hex() for branch in epoch.branches],
                "keys": [forms.signed(person.keys[person.generation]) for person in people],
                "members": [
                    {
                        "member": row.member.hex(),
                        "mkSeed": person.newest.mk_seed.hex(),
                        "generation": row.generation,
                        "seal": seal.hex(),
                        "row": encode(row.value()).hex(),
                    }
                    for person, row, seal in zip(people, rows, epoch.seals, strict=True)
                ],
            }
        )
    return cases


def complaint_cases() -> list[Case]:
    """A complaint about a seal."""
    space, _, _, cyd = group()
    seal_hash = sha256(space.epochs[0].seals[0])
    made = make_complaint(space.id, space.epoch, seal_hash, cyd.signer(), cyd.device.dk_seed, space.tick())
    found = decode_complaint(made.body)
    return [
        {
            "about": "complaint",
            "complaint": forms.signed(made),
            "dk": cyd.device.dk.hex(),
            "space": found.space.hex(),
            "epoch": forms.head(found.epoch),
            "sealHash": found.seal_hash.hex(),
            "signer": {
                "member": found.signer.member.hex(),
                "device": found.signer.device.hex(),
                **forms.head(cyd.chain.head),
            },
            "time": found.time,
            "hash": found.hash.hex(),
        }
    ]


def grant_cases() -> list[Case]:
    """All classes of two epochs, and one branch alone."""
    space, ada, _, cyd = group()
    space.announce(ada)
    whole = [GrantEntry(e.head.n, b, e.branches[b]) for e in space.epochs for b in range(CLASSES)]
    cases = []
    for about, entries in (("two epochs", whole), ("one branch", whole[3:4])):
        secrets = cyd.newest
        cases.append(
            {
                "about": about,
                "sealed": seal_grant(space.id, cyd.member, cyd.generation, secrets.mk, entries).hex(),
                "space": space.id.hex(),
                "member": cyd.member.hex(),
                "generation": cyd.generation,
                "mkSeed": secrets.mk_seed.hex(),
                "mk": secrets.mk.hex(),
                "announcements": [epoch.announcement.body.hex() for epoch in space.epochs],
                "entries": [[entry.epoch, entry.b, entry.branch.hex()] for entry in entries],
            }
        )
    return cases


def rewrap_cases() -> list[Case]:
    """AK under the next AK, and every branch of an epoch."""
    space, ada, _, _ = group()
    old = ada.newest
    ada.rotate()
    new, epoch = ada.newest, space.epochs[0]
    cases: list[Case] = [
        {
            "about": "AK_1 under AK_2",
            "what": "archive",
            "newer": new.archive.hex(),
            "member": ada.member.hex(),
            "generation": 1,
            "archive": old.archive.hex(),
            "wrap": wrap_archive(new.archive, ada.member, 1, old.archive).hex(),
        }
    ]
    commits = [commit.hex() for commit in decode_announcement(epoch.announcement.body).commits]
    for b, branch in enumerate(epoch.branches):
        key = new.archive if b == 0 else new.secret
        wrap = wrap_branch(key, ada.member, space.id, epoch.head.n, epoch.head.hash, b, branch)
        cases.append(
            {
                "about": f"B_{b} under {'AK' if b == 0 else 'M'}",
                "what": "branch",
                "key": key.hex(),
                "member": ada.member.hex(),
                "space": space.id.hex(),
                "epoch": forms.head(epoch.head),
                "b": b,
                "commits": commits,
                "branch": branch.hex(),
                "wrap": wrap.hex(),
            }
        )
    return cases


FILES: dict[str, Callable[[], list[Case]]] = {
    "epoch": epoch_cases,
    "complaint": complaint_cases,
    "grant": grant_cases,
    "rewrap": rewrap_cases,
}
