"""A member's whole chain as clients hold it: what was true at every link, and pins against forks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from circle_client.protocol.errors import Code
from circle_client.protocol.member import (
    ENDS_KEY,
    LinkKind,
    MemberState,
    SignedMemberLink,
    apply_member_link,
    decode_member_link,
    refuse,
)
from circle_client.protocol.structures import Head, SigningKey


@dataclass(frozen=True, slots=True)
class Span:
    """A device was active from link `start` on, up to but not at link `end` (None: still is)."""

    dk: bytes
    start: int
    end: int | None = None


@dataclass(frozen=True, slots=True)
class MemberChain:
    """Verified from link 0. Immutable: `extend` gives a new one."""

    state: MemberState
    hashes: tuple[bytes, ...]
    spans: dict[bytes, Span]
    identities: tuple[tuple[int, bytes], ...]
    enders: tuple[int, ...]

    @classmethod
    def verify(cls, links: Iterable[SignedMemberLink], member: bytes) -> MemberChain:
        """Verifies a chain from link 0 on. Raises as `apply_member_link`; CHAIN_CONFLICT for another member's."""
        chain: MemberChain | None = None
        for link in links:
            chain = cls._begin(link, member) if chain is None else chain.extend([link])
        if chain is None:
            raise refuse(Code.CHAIN_CONFLICT, "The chain is empty.")
        return chain

    @classmethod
    def _begin(cls, signed: SignedMemberLink, member: bytes) -> MemberChain:
        state = apply_member_link(None, signed)
        if state.member != member:
            raise refuse(Code.CHAIN_CONFLICT, "The chain is another member's.")
        spans = {device: Span(dk, 0) for device, dk in state.devices.items()}
        return cls(state, (state.hash,), spans, ((0, state.identity),), ())

    def extend(self, links: Iterable[SignedMemberLink]) -> MemberChain:
        """The chain with the next links. Raises as `apply_member_link`."""
        chain = self
        for link in links:
            chain = chain._append(link)
        return chain

    def _append(self, signed: SignedMemberLink) -> MemberChain:
        state = apply_member_link(self.state, signed)
        kind = decode_member_link(signed.body).kind
        spans = {
            device: Span(span.dk, span.start, state.n) if span.end is None and device not in state.devices else span
            for device, span in self.spans.items()
        }
        for device, dk in state.devices.items():
            spans.setdefault(device, Span(dk, state.n))
        identities = self.identities
        if kind == LinkKind.RESET:
            identities = (*identities, (state.n, state.identity))
        enders = (*self.enders, state.n) if kind in ENDS_KEY else self.enders
        return MemberChain(state, (*self.hashes, state.hash), spans, identities, enders)

    @property
    def member(self) -> bytes:
        """The member's id."""
        return self.state.member

    @property
    def identity(self) -> bytes:
        """The member's present ID."""
        return self.state.identity

    @property
    def head(self) -> Head:
        """[n, hash] of the newest link."""
        return Head(self.state.n, self.state.hash)

    def dk_at(self, device: bytes, n: int) -> bytes:
        """The DK of a device that is active at link n. Raises CHAIN_CONFLICT beyond the head, FORBIDDEN."""
        if n > self.state.n:
            raise refuse(Code.CHAIN_CONFLICT, "The link named is not known yet.")
        span = self.spans.get(device)
        if span is None or not span.start <= n or (span.end is not None and n >= span.end):
            raise refuse(Code.FORBIDDEN, "The signing device was not active then.")
        return span.dk

    def identity_at(self, n: int) -> bytes:
        """The member's ID at link n."""
        return max(entry for entry in self.identities if entry[0] <= n)[1]

    def signer(self, device: bytes, n: int, digest: bytes) -> SigningKey:
        """The device's key and the ID at link n. Raises CHAIN_CONFLICT, FORK for another hash, FORBIDDEN."""
        if n > self.state.n:
            raise refuse(Code.CHAIN_CONFLICT, "The link named is not known yet.")
        if self.hashes[n] != digest:
            raise refuse(Code.FORK, "The signer names another link by this number.")
        return SigningKey(self.dk_at(device, n), self.identity_at(n))

    def lives(self, n: int) -> bool:
        """Whether a member key made at link n still lives: no link of kind 2, 3 or 4 follows it."""
        return n >= self.state.key_floor

    def check_pin(self, pin: Head) -> None:
        """Compares with a head that was seen before. Raises FORK for a shorter chain or another hash."""
        if pin.n > self.state.n:
            raise refuse(Code.FORK, "The chain is shorter than it was.")
        if self.hashes[pin.n] != pin.hash:
            raise refuse(Code.FORK, "The chain is not the one seen before.")
