"""What the devices of a member tell each other in the account space: contents, what they add up to, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from circle_client.protocol.account import AccountBook, AccountContent, Mark, MemberPin, SpacePin, read_account
from circle_client.protocol.cbor import Value, decode, encode
from circle_client.protocol.envelope import Kind
from circle_client.protocol.errors import Layer
from circle_client.protocol.roster import Role, SpaceType
from circle_client.protocol.safety import safety_qr
from circle_client.protocol.structures import Head

from sdk.vectors.maker import forms
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.world import Person, Space, dice, uuid4

_LATER = 20


def _contents() -> dict[str, AccountContent]:
    roll = dice("account contents")

    def head(n: int) -> Head:
        return Head(n, roll(32))

    one, two = uuid4(roll), uuid4(roll)
    pins = tuple(MemberPin(member, roll(32), head(3), 2) for member in (one, two))
    spaces = tuple(SpacePin(uuid4(roll), head(4), head(2), head(900)) for _ in range(2))
    marks = (Mark(one, pins[0].identity, True), Mark(two, roll(32), False))
    return {
        "pins of members": AccountContent(members=pins),
        "pins of spaces": AccountContent(spaces=spaces),
        "marks": AccountContent(marks=marks),
        "confirmed": AccountContent(confirmed=True),
        "taken back": AccountContent(confirmed=False),
        "a later pin of the first member": AccountContent(members=(MemberPin(one, pins[0].identity, head(5), 4),)),
        "a mark for another ID": AccountContent(marks=(Mark(one, roll(32), True),)),
        "400 rows": AccountContent(marks=tuple(Mark(uuid4(roll), roll(32), True) for _ in range(400))),
    }


def book_form(book: AccountBook) -> Case:
    """What holds after some contents, ascending by member or space."""
    return {
        "members": [
            [p.member.hex(), p.identity.hex(), p.chain.n, p.chain.hash.hex(), p.generation]
            for _, p in sorted(book.members.items())
        ],
        "spaces": [
            [
                p.space.hex(), p.roster.n, p.roster.hash.hex(), p.epoch.n, p.epoch.hash.hex(), p.log.n, p.log.hash.hex()
            ]
            for _, p in sorted(book.spaces.items())
        ],
        "marks": [[m.member.hex(), m.identity.hex(), m.verified] for _, m in sorted(book.marks.items())],
        "confirmed": book.confirmed,
    }  # fmt: skip


def _added_up(about: str, contents: list[bytes]) -> Case:
    book = AccountBook()
    for seq, content in enumerate(contents, 1):
        book.take(read_account(decode(content, 1 << 17)), seq)
    return {"about": about, "contents": [content.hex() for content in contents], "book": book_form(book)}


def account_cases() -> list[Case]:
    """Every content alone, all of them after one another, one with unknown keys, and one sealed."""
    made = {about: encode(content.content()) for about, content in _contents().items()}
    cases = [_added_up(about, [content]) for about, content in made.items()]
    short = [content for about, content in made.items() if about != "400 rows"]
    cases.append(_added_up("later rows replace earlier ones", short))
    cases.append(_added_up("and the other way round", short[::-1]))
    unknown: dict[int, Value] = {**decode(made["confirmed"], 1 << 17), _LATER: ["of a later version"]}
    cases.append(_added_up("unknown keys are ignored", [made["marks"], encode(unknown), encode({_LATER: 1})]))
    person = Person.create("account owner")
    space = Space.create(SpaceType.ACCOUNT, [(person, Role.OWNER)])
    envelope = space.seal(person, decode(made["marks"], 1 << 17), Kind.STATE)
    sealed = {
        "envelope": envelope.data.hex(),
        "dk": person.device.dk.hex(),
        "branch": space.epochs[0].branches[0].hex(),
    }
    return [*cases, {**_added_up("sealed in the account space", [made["marks"]]), "sealed": sealed}]


def refused_cases() -> list[Case]:
    """Contents of another shape, pins that what is shown contradicts, codes that are none."""
    refused = Refused("account")
    made = {about: decode(encode(content.content()), 1 << 17) for about, content in _contents().items()}
    pins, spaces, marks = made["pins of members"][16], made["pins of spaces"][17], made["marks"][18]

    def content(about: str, value: dict[int, Any]) -> None:
        refused.add(f"content: {about}", Layer.ENVELOPE, "account.content", {"content": encode(value).hex()})

    content("two things at once", {16: pins, 18: marks})
    content("401 rows", {18: [*made["400 rows"][18], *marks[:1]]})
    content("a row cut", {16: [pins[0][:-1]]})
    content("a row too long", {17: [[*spaces[0], 1]]})
    content("an ID of 31 bytes", {18: [[marks[0][0], marks[0][1][:-1], True]]})
    content("1 for true in a mark", {18: [[*marks[0][:2], 1]]})
    content("1 for true", {19: 1})
    content("rows that are no array", {16: {0: pins[0]}})

    person = Person.create("account pins")
    person.add_device()
    identity, fork = person.chain.identity, Person.create("account pins")
    fork.recover()
    pin: Case = {
        "member": person.member.hex(), "identity": identity.hex(), **forms.head(person.chain.head), "generation": 1
    }  # fmt: skip

    def member(about: str, layer: Layer, whose: Person, **changed: Any) -> None:
        chain = forms.chain(whose.member, whose.links)
        refused.add(f"pin: {about}", layer, "account.pin", {"pin": {**pin, **changed}, "chain": chain, "generation": 1})

    member("a shorter chain", Layer.MEMBER, Person.create("account pins"))
    member("another link at the number", Layer.MEMBER, fork)
    member("an older key", Layer.ENVELOPE, person, generation=2)
    member("another ID", Layer.ENVELOPE, person, identity=fork.chain.head.hash.hex())

    def code(about: str, text: str) -> None:
        refused.add(f"safety code: {about}", Layer.DERIVATION, "account.safety", {"text": text})

    roll = dice("safety")
    a, b = sorted((roll(32), roll(32)))
    good = safety_qr(a, b)
    code("another beginning", good.replace("circle-safety:", "circle-link:"))
    code("padded", f"{good}==")
    code("cut", good[:-2])
    code("one ID twice", safety_qr(a, a))
    code("the higher first", f"circle-safety:{good[57:]}{good[14:57]}")
    return refused.cases


FILES: dict[str, Callable[[], list[Case]]] = {"account": account_cases}
