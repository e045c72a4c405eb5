"""How far a member has read and received: contents of markers, sealed ones, and shapes that are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from circle_client.protocol.cbor import MAX_INT, Value, encode
from circle_client.protocol.envelope import Envelope, Kind
from circle_client.protocol.errors import Layer
from circle_client.protocol.markers import OwnMarker, ReceiptMarker
from circle_client.protocol.roster import Policy, Role, SpaceType

from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.world import Person, Space, dice, uuid4

_LATER = 20


def _own(about: str, content: dict[int, Value], said: OwnMarker) -> Case:
    case = {"about": about, "scope": "OWN", "content": encode(content).hex()}
    return {**case, "space": said.space.hex(), "read": said.read}


def _receipt(about: str, content: dict[int, Value], said: ReceiptMarker) -> Case:
    case = {"about": about, "scope": "RECEIPT", "content": encode(content).hex()}
    return {**case, "delivered": said.delivered, "read": said.read}


def _sealed(space: Space, person: Person, envelope: Envelope) -> Case:
    branch = space.epochs[0].branches[envelope.header.b]
    return {"envelope": envelope.data.hex(), "dk": person.device.dk.hex(), "branch": branch.hex()}


def marker_cases() -> list[Case]:
    """Every combination of what is said, the bounds, unknown keys, and one of each scope as it is sent."""
    conversation = uuid4(dice("markers"))
    own, both = OwnMarker(conversation, 941), ReceiptMarker(950, 941)
    last = MAX_INT - 1
    cases = [
        _own("nothing read yet", OwnMarker(conversation, 0).content(), OwnMarker(conversation, 0)),
        _own("read up to an entry", own.content(), own),
        _own("the highest number", OwnMarker(conversation, last).content(), OwnMarker(conversation, last)),
        _own("unknown keys are ignored", {**own.content(), _LATER: ["of a later version"]}, own),
        _receipt("received and read", both.content(), both),
        _receipt("received alone", ReceiptMarker(delivered=950).content(), ReceiptMarker(delivered=950)),
        _receipt("read alone", ReceiptMarker(read=941).content(), ReceiptMarker(read=941)),
        _receipt("nothing said", {}, ReceiptMarker()),
        _receipt("0 is said", ReceiptMarker(0, 0).content(), ReceiptMarker(0, 0)),
        _receipt("the highest numbers", ReceiptMarker(last, last).content(), ReceiptMarker(last, last)),
        _receipt("unknown keys are ignored", {**both.content(), _LATER: {0: None}}, both),
    ]
    person = Person.create("marker owner")
    account = Space.create(SpaceType.ACCOUNT, [(person, Role.OWNER)])
    sealed = _sealed(account, person, account.seal(person, own.content(), Kind.RECEIPT))
    cases.append({**_own("sealed in the account space", own.content(), own), "sealed": sealed})
    other = Person.create("marker friend")
    group = Space.create(SpaceType.GROUP, [(person, Role.OWNER), (other, Role.READER)], Policy(4, False))
    sealed = _sealed(group, other, group.seal(other, both.content(), Kind.RECEIPT, 4))
    about = "sealed in a conversation by a reader, under its lifetime class"
    cases.append({**_receipt(about, both.content(), both), "sealed": sealed})
    return cases


def refused_cases() -> list[Case]:
    """Contents of another shape."""
    refused, space = Refused("markers"), bytes(range(16))

    def own(about: str, value: dict[int, Any]) -> None:
        refused.add(f"own: {about}", Layer.ENVELOPE, "marker.own", {"content": encode(value).hex()})

    def receipt(about: str, value: dict[int, Any]) -> None:
        refused.add(f"receipt: {about}", Layer.ENVELOPE, "marker.receipt", {"content": encode(value).hex()})

    own("empty", {})
    own("no number", {0: space})
    own("no conversation", {1: 3})
    own("an id of 15 bytes", {0: space[:-1], 1: 3})
    own("a text for an id", {0: "0123456789abcdef", 1: 3})
    own("null for a number", {0: space, 1: None})
    own("true for a number", {0: space, 1: True})
    own("a number as bytes", {0: space, 1: b"\x03"})
    own("a receipt", ReceiptMarker(950, 941).content())
    receipt("null for what is not said", {0: None, 1: 941})
    receipt("true for a number", {0: 950, 1: True})
    receipt("a text", {1: "941"})
    receipt("a list", {0: [950, 941]})
    receipt("an own marker", OwnMarker(space, 3).content())
    return refused.cases


FILES: dict[str, Callable[[], list[Case]]] = {"markers": marker_cases}
