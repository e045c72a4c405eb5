"""Must fail: wraps, grants, derivations (e2ee.md section 14)."""

from __future__ import annotations

from typing import Any

from circle_client.protocol.branches import CLASSES
from circle_client.protocol.cbor import Value, decode, encode
from circle_client.protocol.epoch import decode_announcement
from circle_client.protocol.errors import Layer
from circle_client.protocol.grant import GrantEntry, seal_grant
from circle_client.protocol.invite import invite_mac
from circle_client.protocol.labels import Label, kdf, seal
from circle_client.protocol.primitives import Z32, sha256
from circle_client.protocol.rewrap import wrap_archive, wrap_branch
from circle_client.protocol.roster import Policy, Role, SpaceType, make_add

from sdk.vectors.maker import forms
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.formulas import derivation_cases
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.structures import group
from sdk.vectors.maker.world import Person, Space, dice


def wrap_cases() -> list[Case]:
    """Wraps of another place, and branches against their commits."""
    refused = Refused("wrap")
    space, ada, ben, _ = group()
    old = ada.newest
    ada.rotate()
    new, roll = ada.newest, ada.roll
    archive = {"newer": new.archive.hex(), "member": ada.member.hex(), "generation": 1}
    rows: list[tuple[str, bytes]] = [
        ("AK of another member", wrap_archive(new.archive, ben.member, 1, old.archive)),
        ("AK of another generation", wrap_archive(new.archive, ada.member, 2, old.archive)),
        ("AK under M", wrap_archive(new.secret, ada.member, 1, old.archive)),
        ("AK wrap cut", wrap_archive(new.archive, ada.member, 1, old.archive)[:-1]),
        ("AK wrap empty", b""),
    ]
    good = wrap_archive(new.archive, ada.member, 1, old.archive)
    rows.append(("AK wrap with a bit flipped", bytes([good[0] ^ 1]) + good[1:]))
    for about, wrap in rows:
        refused.add(about, Layer.WRAP, "wrap.archive", {**archive, "wrap": wrap.hex()})
    epoch = space.epochs[0]
    e, h_e = epoch.head.n, epoch.head.hash
    commits = [commit.hex() for commit in decode_announcement(epoch.announcement.body).commits]
    for b in range(CLASSES):
        key = new.archive if b == 0 else new.secret
        branch = epoch.branches[b]
        given: Case = {"key": key.hex(), "member": ada.member.hex(), "space": space.id.hex()}
        given |= {"epoch": forms.head(epoch.head), "b": b, "commits": commits}

        def case(about: str, wrap: bytes, layer: Layer = Layer.WRAP, given: dict[str, Any] = given, b: int = b) -> None:
            refused.add(f"B_{b}: {about}", layer, "wrap.branch", {**given, "wrap": wrap.hex()})

        case("of another epoch", wrap_branch(key, ada.member, space.id, e + 1, h_e, b, branch))
        case("of another h_e", wrap_branch(key, ada.member, space.id, e, Z32, b, branch))
        case("of another member", wrap_branch(key, ben.member, space.id, e, h_e, b, branch))
        case("of another space", wrap_branch(key, ada.member, roll(16), e, h_e, b, branch))
        case("of the next class", wrap_branch(key, ada.member, space.id, e, h_e, (b + 1) % CLASSES, branch))
        older = old.archive if b == 0 else old.secret
        case("under the g before", wrap_branch(older, ada.member, space.id, e, h_e, b, branch))
        swapped = new.secret if b == 0 else new.archive
        case("M and AK swapped", wrap_branch(swapped, ada.member, space.id, e, h_e, b, branch))
        foreign = epoch.branches[(b + 1) % CLASSES]
        case("B against commit", wrap_branch(key, ada.member, space.id, e, h_e, b, foreign), Layer.EPOCH)
    return refused.cases


def grant_cases() -> list[Case]:
    """Grants of another place, to the wrong people, of too early a time."""
    refused = Refused("grant")
    _grants_open(refused)
    _grants_scope(refused)
    return refused.cases


def _grants_open(refused: Refused) -> None:
    space, ada, ben, cyd = group()
    space.announce(ada)
    secrets, keys = cyd.newest, space.epochs
    entries = [GrantEntry(1, 0, keys[0].branches[0]), GrantEntry(2, 6, keys[1].branches[6])]
    given: Case = {"space": space.id.hex(), "member": cyd.member.hex(), "generation": 1}
    given |= {"mkSeed": secrets.mk_seed.hex(), "mk": secrets.mk.hex()}
    given["announcements"] = [epoch.announcement.body.hex() for epoch in keys]

    def case(about: str, layer: Layer, sealed: bytes, **changed: object) -> None:
        refused.add(about, layer, "grant.open", {**given, "sealed": sealed.hex(), **changed})

    def rows(*values: Value) -> bytes:
        context: Value = [space.id, cyd.member, 1, sha256(secrets.mk)]
        return seal(secrets.mk, Label.GRANT, context, encode([*values]))

    mk = secrets.mk
    case("of another space", Layer.SEAL, seal_grant(ada.roll(16), cyd.member, 1, mk, entries))
    case("of another member", Layer.SEAL, seal_grant(space.id, ben.member, 1, mk, entries))
    case("of another g", Layer.SEAL, seal_grant(space.id, cyd.member, 2, mk, entries))
    first = seal_grant(space.id, cyd.member, 1, mk, entries)
    case("of an unknown epoch", Layer.GRANT, first, announcements=given["announcements"][:1])
    wrong = [GrantEntry(1, 0, keys[1].branches[0])]
    case("B of another epoch against commit", Layer.EPOCH, seal_grant(space.id, cyd.member, 1, mk, wrong))
    wrong = [GrantEntry(1, 0, keys[0].branches[1])]
    case("B of another class against commit", Layer.EPOCH, seal_grant(space.id, cyd.member, 1, mk, wrong))
    one: Value = [1, 0, keys[0].branches[0]]
    two: Value = [1, 1, keys[0].branches[1]]
    case("not ascending", Layer.GRANT, rows(two, one))
    case("twice the same", Layer.GRANT, rows(one, one))
    case("class 7", Layer.CBOR, rows([1, 7, keys[0].branches[0]]))
    case("short B", Layer.CBOR, rows([1, 0, bytes(31)]))
    case("no array", Layer.CBOR, seal(mk, Label.GRANT, [space.id, cyd.member, 1, sha256(mk)], encode({0: 1})))


def _grants_scope(refused: Refused) -> None:
    ada, ben, cyd, eve = (Person.create(name) for name in ("Ada", "Ben", "Cyd", "Eve"))
    for shared in (False, True):
        space = Space.create(SpaceType.GROUP, [(ada, Role.OWNER), (ben, Role.WRITER)], Policy(0, shared))
        space.people[cyd.member] = cyd
        signer, seed = ada.signer(), ada.device.dk_seed
        space.take(make_add(space.place, cyd.member, cyd.chain.identity, Role.WRITER, signer, seed, space.tick()))
        space.announce(ada)

        def case(about: str, person: Person, complained: list[int], space: Space = space, **changed: object) -> None:
            entries = [[1, 0, space.epochs[0].branches[0].hex()], [2, 0, space.epochs[1].branches[0].hex()]]
            given: Case = {"roster": forms.roster_links(space.id, space.links), "entries": entries}
            given |= {"chains": forms.chains((ada, ben, cyd, eve)), "member": person.member.hex()}
            given |= {"identity": person.chain.identity.hex(), "complained": complained}
            refused.add(about, Layer.GRANT, "grant.scope", {**given, **changed})

        if not shared:
            case("of before joining, history from joining", cyd, [])
            case("of before joining, complained of another epoch", cyd, [2])
        kind = "shared" if shared else "from joining"
        case(f"to a non-member, history {kind}", eve, [])
        case(f"to another ID than the roster's, history {kind}", ben, [], identity=Z32.hex())


def derivation_cases_bad() -> list[Case]:
    """Every label and class against its neighbour; parameters, words, MACs."""
    refused = Refused("derivation")
    good = derivation_cases()
    labels = list(dict.fromkeys(case["label"] for case in good))
    for case in good:
        neighbour = labels[(labels.index(case["label"]) + 1) % len(labels)]
        _neighbour(refused, case, f"{case['about']}: label {neighbour}", label=neighbour)
        value = decode(bytes.fromhex(case["value"]), 4096)
        if isinstance(value, list):
            for place, item in enumerate(value):
                other: Value = item + 1 if isinstance(item, int) else bytes(len(item))
                changed = encode([*value[:place], other, *value[place + 1 :]])
                _neighbour(refused, case, f"{case['about']}: context {place} changed", value=changed.hex())
            _neighbour(refused, case, f"{case['about']}: context longer", value=encode([*value, 0]).hex())
    _single(refused)
    return refused.cases


def _neighbour(refused: Refused, case: Case, about: str, **changed: str) -> None:
    other = {**case, **changed}
    output = kdf(
        bytes.fromhex(other["key"]),
        bytes.fromhex(other["salt"]),
        Label(other["label"]),
        decode(bytes.fromhex(other["value"]), 4096),
        other["length"],
    )
    given: Case = {name: case[name] for name in ("key", "salt", "label", "value", "length")}
    refused.add(about, Layer.DERIVATION, "derivation.kdf", {**given, "output": output.hex()})


def _single(refused: Refused) -> None:
    roll = dice("bad derivations")
    given: dict[str, Any] = {"password": "correct horse battery", "salt": roll(16).hex()}
    given |= {"memoryKib": 65536, "iterations": 3, "lanes": 1}
    weak: dict[str, dict[str, Any]] = {
        "less memory": {"memoryKib": 32768},
        "fewer iterations": {"iterations": 2},
        "two lanes": {"lanes": 2},
        "short salt": {"salt": roll(8).hex()},
    }
    for about, changed in weak.items():
        refused.add(about, Layer.DERIVATION, "derivation.password", {**given, **changed})
    zero = "abandon " * 23
    for about, words in {
        "checksum": zero + "abandon",
        "23 words": zero.strip(),
        "12 words for a recovery key": "abandon " * 11 + "about",
        "a word of another list": zero + "artichaut",
        "nothing": "",
    }.items():
        refused.add(f"words: {about}", Layer.DERIVATION, "derivation.words", {"words": words})
    token, secret, inviter, newcomer = roll(16), roll(32), roll(32), roll(32)
    mac = {"token": token.hex(), "secret": secret.hex(), "inviter": inviter.hex(), "newcomer": newcomer.hex()}
    for about, value in {
        "other invite": invite_mac(secret, roll(16), inviter, newcomer),
        "other i": invite_mac(roll(32), token, inviter, newcomer),
        "IDs swapped": invite_mac(secret, token, newcomer, inviter),
        "other newcomer": invite_mac(secret, token, inviter, roll(32)),
        "cut": invite_mac(secret, token, inviter, newcomer)[:31],
    }.items():
        refused.add(f"invite: {about}", Layer.DERIVATION, "derivation.invite", {**mac, "mac": value.hex()})
