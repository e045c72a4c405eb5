"""The recovery key as 24 BIP 39 words, and the keys that it gives (e2ee.md sections 1 to 3)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

from mnemonic import Mnemonic

from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, kdf
from circle_client.protocol.primitives import public_key, xwing_public

RECOVERY_KEY = 32

_refuse = Refuser(Layer.DERIVATION)


@cache
def _english() -> Mnemonic:
    return Mnemonic("english")


def to_words(entropy: bytes) -> list[str]:
    """BIP 39 English words of 16 (linking key) or 32 bytes (recovery key)."""
    return str(_english().to_mnemonic(entropy)).split(" ")


def from_words(words: str, length: int = RECOVERY_KEY) -> bytes:
    """The entropy itself, no BIP 39 seed. Spaces and case do not matter. Raises BAD_WORDS (`derivation`)."""
    parts = unicodedata.normalize("NFKD", words).lower().split()
    try:
        entropy = bytes(_english().to_entropy(parts))
    except (ValueError, LookupError) as error:
        raise _refuse(Code.BAD_WORDS, "These are not the words of a key; look for a typing mistake.") from error
    if len(entropy) != length:
        raise _refuse(Code.BAD_WORDS, "The number of words is wrong.")
    return entropy


@dataclass(frozen=True, slots=True)
class RecoveryKeys:
    """RS (Ed25519) and RX (X-Wing) of one member's recovery key."""

    rs_seed: bytes
    rs: bytes
    rx_seed: bytes
    rx: bytes


def recovery_keys(recovery_key: bytes, member: bytes) -> RecoveryKeys:
    """The keys of RK for this member: labels recovery-sign and recovery-seal."""
    rs_seed = kdf(recovery_key, b"", Label.RECOVERY_SIGN, [member], 32)
    rx_seed = kdf(recovery_key, b"", Label.RECOVERY_SEAL, [member], 32)
    return RecoveryKeys(rs_seed, public_key(rs_seed), rx_seed, xwing_public(rx_seed))
