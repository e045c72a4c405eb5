"""The members this client knows: chains verified from link 0, pins that never go back (e2ee.md sections 4 and 12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from circle_client.errors import Forked, Untrusted
from circle_client.protocol.account import MemberPin
from circle_client.protocol.errors import Code, Layer, ProtocolError
from circle_client.protocol.member import SignedMemberLink
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.member_key import MemberKey, verify_living_key, verify_member_key
from circle_client.protocol.structures import Signed
from circle_client.types import Person


class Trust(IntEnum):
    """How a member's ID came to be known."""

    FIRST_SEEN = 0
    INVITE = 1  # pinned by an invite link or its MAC
    CONTRADICTED = 2  # an invite named another ID: nothing is sealed to this member


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """What the server tells of a member; nothing of it is believed before `People.learn`."""

    person: Person
    links: Sequence[SignedMemberLink]
    key: Signed


@dataclass(frozen=True, slots=True)
class Known:
    """A verified member."""

    person: Person
    links: tuple[SignedMemberLink, ...]
    chain: MemberChain
    signed_key: Signed
    key: MemberKey
    trust: Trust


class People:
    """Every member known, by protocol id. `changed` collects the ids whose record must be written."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}
        self._pinned: dict[bytes, bytes] = {}
        self._older: dict[tuple[bytes, int], MemberKey] = {}
        self._first: dict[bytes, bytes] = {}
        self.bounds: Mapping[bytes, MemberPin] = {}
        """What other devices of this account saw: nothing older is taken."""
        self.refused: dict[bytes, Untrusted] = {}
        """Members of whom the newest that the server told does not verify, and why."""
        self.changed: set[bytes] = set()

    def get(self, member: bytes) -> Known | None:
        """A known member, or None."""
        return self._known.get(member)

    def all(self) -> list[Known]:
        """Every known member."""
        return list(self._known.values())

    def person(self, member: bytes) -> Person | None:
        """The public side of a known member."""
        known = self._known.get(member)
        return None if known is None else known.person

    def chain(self, member: bytes) -> MemberChain:
        """The verified chain, as the protocol core asks for it (`Chains`). Raises ProtocolError NOT_FOUND."""
        known = self._known.get(member)
        if known is None:
            raise ProtocolError(Code.NOT_FOUND, "The signer's chain is not known.", Layer.MEMBER)
        return known.chain

    def knows(self, member: bytes, n: int = 0) -> bool:
        """Whether the chain is known up to link n."""
        known = self._known.get(member)
        return known is not None and known.chain.head.n >= n

    def pin(self, member: bytes, identity: bytes) -> None:
        """An invite vouched for this ID of the member, met already or not yet."""
        self._pinned[member] = identity
        if (known := self._known.get(member)) is not None:
            self._known[member] = replace(known, trust=self._trust(known.chain))
            self.changed.add(member)

    def _trust(self, chain: MemberChain) -> Trust:
        pinned = self._pinned.get(chain.member)
        if pinned is None:
            return Trust.FIRST_SEEN
        return Trust.INVITE if chain.identities[0][1] == pinned or chain.identity == pinned else Trust.CONTRADICTED

    def first_identity(self, member: bytes) -> bytes | None:
        """The ID under which this client, or another device of the account, first met the member."""
        return self._first.get(member)

    def is_behind(self, member: bytes) -> bool:
        """Whether what is known of the member does not reach, or contradicts, what another device saw."""
        known, pin = self._known.get(member), self.bounds.get(member)
        if known is None or pin is None:
            return False
        try:
            pin.check(known.chain, known.key.generation)
        except ProtocolError:
            return True
        return False

    def forget(self, member: bytes) -> Known | None:
        """Trust the server anew about a member, by a person's decision; an invite's pin stays. What was known."""
        self.refused.pop(member, None)
        self.changed.discard(member)
        return self._known.pop(member, None)

    def put_back(self, known: Known, refusal: Untrusted) -> None:
        """The decision came to nothing: what was known of a member holds, and what the server shows is refused."""
        member = known.chain.member
        self._known[member], self.refused[member] = known, refusal
        self.changed.add(member)

    def learn(self, facts: MemberFacts) -> Known:
        """Verify what the server tells of a member and keep it.

        Raises Forked when it contradicts what was seen before, Untrusted when it does not verify.
        """
        return self._learn(facts, self.bounds.get(facts.person.protocol_id))

    def _learn(self, facts: MemberFacts, pin: MemberPin | None) -> Known:
        member = facts.person.protocol_id
        old = self._known.get(member)
        links = tuple(facts.links)
        try:
            if old is not None and links == old.links:
                chain = old.chain
            elif old is not None and links[: len(old.links)] == old.links:
                chain = old.chain.extend(links[len(old.links) :])
            else:
                chain = MemberChain.verify(links, member)
                if old is not None:
                    chain.check_pin(old.chain.head)
            if old is not None and chain is old.chain and facts.key == old.signed_key:
                key = old.key
            else:
                key = verify_living_key(facts.key, chain, old.key.generation if old else 0)
            if old is not None and key.generation == old.key.generation and key.key_hash != old.key.key_hash:
                raise ProtocolError(Code.FORK, "The member has two keys of one generation.", Layer.MEMBER)
            if pin is not None:
                pin.check(chain, key.generation)
        except ProtocolError as error:
            name = f"@{facts.person.handle}"
            refusal = Untrusted(f"The keys that the server shows for {name} do not verify. {error.message}")
            if error.code is Code.FORK:
                refusal = Forked(f"The server shows other keys of {name} than before. {error.message}")
            self.refused[member] = refusal
            raise refusal from error
        self.refused.pop(member, None)
        self._first.setdefault(member, pin.identity if pin is not None else chain.identity)
        if old is not None and old.key.generation < key.generation:
            self._older[member, old.key.generation] = old.key
        known = Known(facts.person, links, chain, facts.key, key, self._trust(chain))
        if known != old:
            self._known[member] = known
            self.changed.add(member)
        return known

    def learn_keys(self, member: bytes, keys: Sequence[Signed]) -> None:
        """Take older generations of a known member's key; one that does not verify, or is another than before, is not
        taken.
        """
        known = self._known[member]
        for signed in keys:
            try:
                key = verify_member_key(signed, known.chain)
            except ProtocolError:
                continue
            if key.generation < known.key.generation:
                self._older.setdefault((member, key.generation), key)

    def generations(self, member: bytes) -> dict[int, bytes]:
        """#MK of every generation of a known member's key that was seen, living or not."""
        known = self._known[member]
        older = {g: key.key_hash for (owner, g), key in self._older.items() if owner == member}
        return {**older, known.key.generation: known.key.key_hash}

    def older_key(self, member: bytes, generation: int) -> MemberKey | None:
        """A key of an earlier generation that this client has seen, if it still lives."""
        key, known = self._older.get((member, generation)), self._known.get(member)
        return key if key is not None and known is not None and known.chain.lives(key.chain.n) else None

    # ---- storage

    def dump(self, member: bytes) -> dict[str, Any]:
        """What the store keeps of a known member."""
        known = self._known[member]
        return {
            "id": known.person.id,
            "handle": known.person.handle,
            "name": known.person.display_name,
            "links": [[link.body, link.signature, link.cosignature] for link in known.links],
            "key": [known.signed_key.body, known.signed_key.signature],
            "pin": self._pinned.get(member),
            "first": self._first.get(member),
        }

    def load(self, member: bytes, value: dict[str, Any]) -> None:
        """Take back a `dump`; everything is verified again. Raises Untrusted for a record that does not verify."""
        if value["pin"] is not None:
            self._pinned[member] = value["pin"]
        self._first[member] = value["first"]
        person = Person(value["id"], member, value["handle"], value["name"])
        links = [SignedMemberLink(*link) for link in value["links"]]
        self._learn(MemberFacts(person, links, Signed(*value["key"])), None)
        self.changed.discard(member)
