"""The password construction of e2ee.md section 12: the server learns neither the password nor what unlocks keys."""

from __future__ import annotations

from dataclasses import dataclass

from circle_client.protocol import primitives
from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, kdf

SALT = 16

_refuse = Refuser(Layer.DERIVATION)


@dataclass(frozen=True, slots=True)
class PasswordRoot:
    """root = ARGON(password, salt). Never leaves the device, nor does what `unlock_key` gives."""

    root: bytes

    def auth_key(self) -> bytes:
        """password-auth: what the server gets at sign-up and sign-in."""
        return kdf(self.root, b"", Label.PASSWORD_AUTH, [], 32)

    def unlock_key(self, member: bytes, device: bytes) -> bytes:
        """password-unlock: wraps the local store of this device."""
        return kdf(self.root, b"", Label.PASSWORD_UNLOCK, [member, device], 32)


def password_root(
    password: str,
    salt: bytes,
    memory_kib: int = primitives.ARGON_MEMORY_KIB,
    iterations: int = primitives.ARGON_ITERATIONS,
    lanes: int = primitives.ARGON_LANES,
) -> PasswordRoot:
    """The root of a password; slow on purpose. Raises WEAK_PARAMETERS (`derivation`) for anything below version 1's."""
    strong = (
        len(salt) == SALT
        and memory_kib >= primitives.ARGON_MEMORY_KIB
        and iterations >= primitives.ARGON_ITERATIONS
        and lanes == primitives.ARGON_LANES
    )
    if not strong:
        raise _refuse(Code.WEAK_PARAMETERS, "The server asks for a weaker password protection than this version's.")
    return PasswordRoot(primitives.argon(password, salt, memory_kib, iterations, lanes))
