"""Who may send which envelope about what (e2ee.md section 7): one set of rules for server and clients."""

from __future__ import annotations

from dataclasses import dataclass

from circle_client.protocol.branches import CLASSES
from circle_client.protocol.envelope import Header, Kind, refuse
from circle_client.protocol.errors import Code
from circle_client.protocol.roster import Role

NEEDS = {
    Kind.MESSAGE: Role.WRITER,
    Kind.EDIT: Role.READER,
    Kind.DELETE: Role.READER,
    Kind.REACTION: Role.READER,
    Kind.RECEIPT: Role.READER,
    Kind.VAULT_ENTRY: Role.WRITER,
    Kind.SIGNAL: Role.READER,
    Kind.STATE: Role.ADMIN,
}
"""The least role for each kind; edit and delete also ask who wrote what they are about."""

SIGNAL_CLASS = 1

_ABOUT = {
    Kind.MESSAGE: (Kind.MESSAGE, Kind.VAULT_ENTRY),  # an answer, if there is a ref
    Kind.EDIT: (Kind.MESSAGE,),
    Kind.DELETE: (Kind.MESSAGE, Kind.REACTION, Kind.VAULT_ENTRY),
    Kind.REACTION: (Kind.MESSAGE, Kind.VAULT_ENTRY),
    Kind.VAULT_ENTRY: (Kind.VAULT_ENTRY,),
}
_NEED_REF = (Kind.EDIT, Kind.DELETE, Kind.REACTION)


@dataclass(frozen=True, slots=True)
class Ref:
    """The envelope that a `ref` names, in the same space; None instead of a Ref where there is none such."""

    kind: int
    author: bytes
    b: int


def outlives(b: int, limit: int) -> bool:
    """Whether class b lives longer than class `limit`; class 0 lives for good."""
    return limit != 0 and (b == 0 or b > limit)


def check_rules(header: Header, role: Role | None, lifetime: int, ref: Ref | None) -> None:
    """Role, kind, class and ref of an envelope.

    `role`: the sender's in the epoch's roster. `lifetime`: the policy's class. `ref`: what `header.ref` names.
    Raises FORBIDDEN (`envelope`).
    """
    if role is None:
        raise refuse(Code.FORBIDDEN, "The sender is not in the roster.")
    if header.kind not in NEEDS:
        raise refuse(Code.FORBIDDEN, "The kind of envelope is not known.")
    kind = Kind(header.kind)
    if role < NEEDS[kind]:
        raise refuse(Code.FORBIDDEN, "The sender's role does not allow this kind.")
    _check_class(kind, header.b, lifetime)
    _check_ref(kind, header, role, ref)


def _check_class(kind: Kind, b: int, lifetime: int) -> None:
    if b >= CLASSES:
        raise refuse(Code.FORBIDDEN, "The lifetime class is not known.")
    if kind == Kind.SIGNAL:
        if b != SIGNAL_CLASS:
            raise refuse(Code.FORBIDDEN, "A signal has the class 1.")
    elif outlives(b, lifetime):
        raise refuse(Code.FORBIDDEN, "The envelope would live longer than the conversation's policy allows.")


def _check_ref(kind: Kind, header: Header, role: Role, ref: Ref | None) -> None:
    if header.ref is None:
        if kind in _NEED_REF:
            raise refuse(Code.FORBIDDEN, "This kind of envelope names what it is about.")
        return
    if kind not in _ABOUT:
        raise refuse(Code.FORBIDDEN, "This kind of envelope is about nothing else.")
    if ref is None or ref.kind not in _ABOUT[kind]:
        raise refuse(Code.FORBIDDEN, "The envelope names nothing that it can be about.")
    author = ref.author == header.member
    if kind == Kind.EDIT and not author:
        raise refuse(Code.FORBIDDEN, "Only its author edits a message.")
    if kind == Kind.DELETE and not author and role < Role.ADMIN:
        raise refuse(Code.FORBIDDEN, "Only its author or an admin deletes this.")
    if kind == Kind.EDIT and outlives(header.b, ref.b):
        raise refuse(Code.FORBIDDEN, "An edit does not outlive what it edits.")
