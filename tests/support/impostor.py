"""An identity that a hostile server makes up for a member: every signature is right, only the keys are its own."""

from __future__ import annotations

from dataclasses import dataclass

from circle_client.engine.engine import millis
from circle_client.protocol.member import SignedMemberLink, apply_member_link, make_identity
from circle_client.protocol.member_key import make_member_key, member_secrets
from circle_client.protocol.primitives import public_key, random_bytes
from circle_client.protocol.structures import Head, Signed
from circle_client.protocol.words import recovery_keys


@dataclass(frozen=True)
class Impostor:
    """Link 0, the member key, and the seed with which the server would open what is sealed to it."""

    link: SignedMemberLink
    key: Signed
    mk: bytes
    mk_seed: bytes


def impostor(member: bytes) -> Impostor:
    """Somebody who says to be this member."""
    device, dk_seed, now = random_bytes(16), random_bytes(32), millis()
    link = make_identity(member, device, public_key(dk_seed), dk_seed, recovery_keys(random_bytes(32), member), now)
    state = apply_member_link(None, link)
    own = member_secrets(random_bytes(32), member, 1)
    key = make_member_key(member, 1, own.mk, Head(state.n, state.hash), device, dk_seed, now)
    return Impostor(link, key, own.mk, own.mk_seed)
