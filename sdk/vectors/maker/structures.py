"""Positive vectors of signed structures, chains, epochs, envelopes and the log."""

from __future__ import annotations

from collections.abc import Callable

from circle_client.protocol import contents
from circle_client.protocol.branches import CLASSES
from circle_client.protocol.cbor import Value, encode
from circle_client.protocol.envelope import Envelope, Kind, decode_envelope, open_envelope
from circle_client.protocol.log import next_hash
from circle_client.protocol.member import SignedMemberLink, apply_member_link, make_device_add
from circle_client.protocol.member_key import decode_device_seal, decode_member_key, seal_member_box
from circle_client.protocol.primitives import Z16, Z32, public_key
from circle_client.protocol.roster import Policy, Role, SpaceType, make_add, make_policy, make_remove, make_role
from circle_client.protocol.structures import Signed

from sdk.vectors.maker import forms
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.world import Device, Person, Space, dice, uuid4


def _states(links: list[SignedMemberLink]) -> list[Case]:
    states, state = [], None
    for link in links:
        state = apply_member_link(state, link)
        states.append(forms.member_state(state))
    return states


def _key(person: Person, key: Signed) -> Case:
    found = decode_member_key(key.body)
    return {
        "key": forms.signed(key),
        "generation": found.generation,
        "n": found.chain.n,
        "keyHash": found.key_hash.hex(),
        "hash": found.hash.hex(),
        "living": person.chain.lives(found.chain.n),
    }


def busy_person() -> Person:
    """A chain with every kind of link."""
    person = Person.create("Ada, who does everything")
    tablet = person.add_device()
    person.rotate()
    person.revoke(tablet.id)
    person.rotate()
    person.recover()
    person.rotate()
    phone = Device(uuid4(person.roll), person.roll(32), person.roll(32))
    state = person.chain.state
    person.take(make_device_add(state, phone.id, phone.dk, Z16, person.recovery.rs_seed, person.tick()))
    person.reset()
    person.rotate()
    return person


def member_cases() -> list[Case]:
    """Chains with their states and keys."""
    cases = []
    for about, person in (("just signed up", Person.create("Ben")), ("every kind of link", busy_person())):
        cases.append(
            {
                "about": about,
                "chain": forms.chain(person.member, person.links),
                "states": _states(person.links),
                "keys": [_key(person, key) for key in person.keys.values()],
            }
        )
    return cases


def member_key_cases() -> list[Case]:
    """Device seals and boxes of one member, in two generations."""
    person = Person.create("Ada")
    seals, boxes = [], []
    for k in (1, 2):
        person.device.k = k
        person.device.sk_seed = person.roll(32)
        seal = person.seal()
        found = decode_device_seal(seal.body)
        seals.append(
            {
                "seal": forms.signed(seal),
                "dk": person.device.dk.hex(),
                "member": person.member.hex(),
                "device": person.device.id.hex(),
                "generation": found.generation,
                "key": found.key.hex(),
                "seed": person.device.sk_seed.hex(),
            }
        )
        key = decode_member_key(person.keys[person.generation].body)
        secrets = person.newest
        device, recovery = person.device, person.recovery
        for to, seed, device_id, number in (
            (device.sk, device.sk_seed, device.id, k),
            (recovery.rx, recovery.rx_seed, Z16, person.chain.state.rx_n),
        ):
            box = seal_member_box(to, person.member, key.generation, device_id, number, key.key_hash, secrets.secret)
            boxes.append(
                {
                    "box": box.hex(),
                    "seed": seed.hex(),
                    "memberKey": key.body.hex(),
                    "device": device_id.hex(),
                    "k": number,
                    "secret": secrets.secret.hex(),
                    "mkSeed": secrets.mk_seed.hex(),
                    "mk": secrets.mk.hex(),
                    "archive": secrets.archive.hex(),
                }
            )
        person.rotate()
    return [{"about": "a device and the recovery key, two generations", "deviceSeals": seals, "boxes": boxes}]


def group() -> tuple[Space, Person, Person, Person]:
    """A group of three with shared history; the first is its owner."""
    ada, ben, cyd = (Person.create(name) for name in ("Ada", "Ben", "Cyd"))
    seats = [(ada, Role.OWNER), (ben, Role.ADMIN), (cyd, Role.READER)]
    return Space.create(SpaceType.GROUP, seats, Policy(0, True)), ada, ben, cyd


def _roster_case(about: str, space: Space) -> Case:
    people = space.people.values()
    return {
        "about": about,
        **forms.roster_links(space.id, space.links),
        "chains": forms.chains(people),
        "states": [forms.roster(state) for state in space.rosters],
    }


def busy_group() -> Space:
    """A group whose roster has links of every kind, a member with a reset identity among them."""
    space, ada, ben, cyd = group()
    dan = Person.create("Dan")
    space.people[dan.member] = dan
    keys = {person.member: person.device.dk_seed for person in (ada, ben, cyd, dan)}
    space.take(make_add(space.place, dan.member, dan.chain.identity, Role.WRITER, ben.signer(), keys[ben.member], 1))
    space.announce(ben)
    space.take(make_role(space.place, cyd.member, Role.WRITER, ada.signer(), keys[ada.member], 2))
    space.take(make_policy(space.place, Policy(5, False), ben.signer(), keys[ben.member], 3))
    space.announce(cyd)
    dan.reset()
    dan.rotate()
    space.take(make_add(space.place, dan.member, dan.chain.identity, Role.WRITER, ada.signer(), keys[ada.member], 4))
    space.announce(ada)
    space.take(make_remove(space.place, cyd.member, ben.signer(), keys[ben.member], 5))
    space.take(make_remove(space.place, dan.member, dan.signer(), dan.device.dk_seed, 6))
    return space


def roster_cases() -> list[Case]:
    """Rosters of every type."""
    ada, ben, cyd = (Person.create(name) for name in ("Ada", "Ben", "Cyd"))
    direct = Space.create(SpaceType.DIRECT, [(ada, Role.OWNER), (ben, Role.OWNER)])
    ben.reset()
    ben.rotate()
    seed = ada.device.dk_seed
    direct.take(make_add(direct.place, ben.member, ben.chain.identity, Role.OWNER, ada.signer(), seed, direct.tick()))
    account = Space.create(SpaceType.ACCOUNT, [(ben, Role.OWNER)])
    owned = Space.create(SpaceType.GROUP, [(ben, Role.OWNER), (ada, Role.ADMIN), (cyd, Role.WRITER)])
    ben.reset()
    ben.rotate()
    own, time = ben.device.dk_seed, account.tick()
    account.take(make_add(account.place, ben.member, ben.chain.identity, Role.OWNER, ben.signer(), own, time))
    owned.take(make_add(owned.place, ben.member, ben.chain.identity, Role.OWNER, ada.signer(), seed, owned.tick()))
    broadcast = Space.create(SpaceType.BROADCAST, [(cyd, Role.OWNER), (ada, Role.READER)], Policy(3, True))
    return [
        _roster_case("a group with every kind of link", busy_group()),
        _roster_case("a direct conversation whose other member reset their identity", direct),
        _roster_case("an account renewed after a reset", account),
        _roster_case("a group whose only owner reset and was let in by an admin", owned),
        _roster_case("a broadcast", broadcast),
        _roster_case("a vault", Space.create(SpaceType.VAULT, [(ada, Role.OWNER)])),
        _roster_case("an account", Space.create(SpaceType.ACCOUNT, [(cyd, Role.OWNER)])),
    ]


def _envelope_case(about: str, envelope: Envelope, branch: bytes, dk_seed: bytes) -> Case:
    content = open_envelope(decode_envelope(envelope.data), branch)
    return {
        "about": about,
        "data": envelope.data.hex(),
        "dkSeed": dk_seed.hex(),
        "dk": public_key(dk_seed).hex(),
        "branch": branch.hex(),
        "header": forms.header(envelope.header),
        "headerBytes": envelope.header_bytes.hex(),
        "content": encode(content).hex(),
        "syn": envelope.syn.hex(),
        "item": envelope.item.hex(),
    }


def envelope_cases() -> list[Case]:
    """Every kind, every class, and sizes up to the largest."""
    space, ada, _, _ = group()
    roll = dice("envelopes")
    other = uuid4(roll)
    branches, seed = space.epochs[0].branches, ada.device.dk_seed
    picture = contents.State("Climbing 🧗", roll(700), "image/webp").content()
    rows: list[tuple[str, dict[int, Value], Kind, bytes | None]] = [
        ("message", contents.message("Hello, Ben. Grüße, 你好 👋"), Kind.MESSAGE, None),
        ("answer", contents.message("Yes."), Kind.MESSAGE, other),
        ("edit", contents.message("Hello again"), Kind.EDIT, other),
        ("delete", {}, Kind.DELETE, other),
        ("reaction", contents.reaction("👍"), Kind.REACTION, other),
        ("receipt", {0: 12}, Kind.RECEIPT, None),
        ("vault entry with an unknown content", {0: "x", 7: [1, {3: b"y"}]}, Kind.VAULT_ENTRY, None),
        ("signal", {0: "offer"}, Kind.SIGNAL, None),
        ("state without a picture", contents.State("Climbing").content(), Kind.STATE, None),
        ("state with a picture", picture, Kind.STATE, None),
        ("the largest content", {0: bytes(96_000)}, Kind.VAULT_ENTRY, None),
    ]
    cases = []
    for about, content, kind, ref in rows:
        b = 1 if kind == Kind.SIGNAL else 0
        envelope = space.seal(ada, content, kind, b, ref)
        cases.append(_envelope_case(about, envelope, branches[b], seed))
    for b in range(1, CLASSES):
        envelope = space.seal(ada, contents.message("soon gone"), Kind.MESSAGE, b)
        cases.append(_envelope_case(f"message of class {b}", envelope, branches[b], seed))
    return cases


def log_cases() -> list[Case]:
    """The log of a group, with an entry of the server's own and a message."""
    space, ada, _, _ = group()
    space.append(Z32)
    space.append(space.seal(ada, contents.message("first")).item)
    entries, before = [], Z32
    for seq, item in enumerate(space.items, 1):
        before = next_hash(before, seq, item)
        entries.append({"seq": seq, "item": item.hex(), "hash": before.hex()})
    return [{"about": "roster, epoch, the server's own, message", "entries": entries}]


FILES: dict[str, Callable[[], list[Case]]] = {
    "member": member_cases,
    "member_key": member_key_cases,
    "roster": roster_cases,
    "envelope": envelope_cases,
    "log": log_cases,
}
