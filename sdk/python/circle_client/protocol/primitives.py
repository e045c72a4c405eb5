"""The primitives of e2ee.md section 1: nothing here is written by hand, only checked before the library is asked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from circle_client.protocol.errors import Code, Layer, Refuser

Z16 = bytes(16)
Z32 = bytes(32)
NONCE_0 = bytes(12)  # for keys that ever seal one plaintext
ED25519_KEY = 32
ED25519_SIGNATURE = 64
XWING_SEED = 32
XWING_KEY = 1184 + 32
SEAL_OVERHEAD = 1120 + 16
GCM_TAG = 16
ARGON_MEMORY_KIB, ARGON_ITERATIONS, ARGON_LANES = 65536, 3, 1

Random = Callable[[int], bytes]
random_bytes: Random = secrets.token_bytes

_signature = Refuser(Layer.ED25519)
_seal = Refuser(Layer.SEAL)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
_MASK = 2**255 - 1
_Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# The y of the eight points of small order: orders 4, 1, 2, 8, 8. Both signs of x are refused, so the sign bit is cut
# off before the look-up.
SMALL_ORDER_Y = frozenset({0, 1, P - 1, _Y8, P - _Y8})


def sha256(data: bytes) -> bytes:
    """SHA-256 of the bytes."""
    return hashlib.sha256(data).digest()


def mac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256, 32 bytes."""
    return hmac.digest(key, message, "sha256")


def equal(a: bytes, b: bytes) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(a, b)


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256; an empty salt is `-` of the page."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


def gcm_seal(key: bytes, nonce: bytes, text: bytes, associated: bytes | None = None) -> bytes:
    """AES-256-GCM: ciphertext with the 16-byte tag last."""
    return AESGCM(key).encrypt(nonce, text, associated)


def gcm_open(key: bytes, nonce: bytes, sealed: bytes, associated: bytes | None = None) -> bytes | None:
    """The plaintext, or None where the tag does not fit."""
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except InvalidTag:
        return None


def argon(
    password: str,
    salt: bytes,
    memory_kib: int = ARGON_MEMORY_KIB,
    iterations: int = ARGON_ITERATIONS,
    lanes: int = ARGON_LANES,
) -> bytes:
    """ARGON: Argon2id over the UTF-8 of the password's NFKC form, 32 bytes."""
    data = unicodedata.normalize("NFKC", password).encode()
    return Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory_kib).derive(data)


# ---- SIG


def _is_sound_point(encoded: bytes) -> bool:
    y = int.from_bytes(encoded, "little") & _MASK
    return y < P and y not in SMALL_ORDER_Y


def check_public_key(key: bytes) -> None:
    """Refuses an Ed25519 key that is not canonical or of small order. Raises FORBIDDEN (`ed25519`)."""
    if len(key) != ED25519_KEY or not _is_sound_point(key):
        raise _signature(Code.FORBIDDEN, "The signing key is not acceptable.")


@lru_cache(maxsize=4096)
def _public(key: bytes) -> Ed25519PublicKey:
    check_public_key(key)
    return Ed25519PublicKey.from_public_bytes(key)


def verify(key: bytes, signature: bytes, message: bytes) -> None:
    """Verifies without cofactor, S < L, A and R canonical and not of small order. Raises FORBIDDEN (`ed25519`)."""
    public = _public(key)
    if (
        len(signature) != ED25519_SIGNATURE
        or not _is_sound_point(signature[:32])
        or int.from_bytes(signature[32:], "little") >= L
    ):
        raise _signature(Code.FORBIDDEN, "The signature is not acceptable.")
    try:
        public.verify(signature, message)
    except InvalidSignature as error:
        raise _signature(Code.FORBIDDEN, "The signature does not fit.") from error


def sign(seed: bytes, message: bytes) -> bytes:
    """Ed25519 signature with the private key of `seed` (32 bytes)."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def public_key(seed: bytes) -> bytes:
    """The Ed25519 public key of `seed`."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


# ---- SEAL

_HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


# Not cached: a key that a rotation destroys must not live on in a table of this module.
def _xwing_private(seed: bytes) -> tuple[MLKEM768X25519PrivateKey, bytes]:
    if len(seed) != XWING_SEED:
        raise _seal(Code.MALFORMED, "An X-Wing private key is a seed of 32 bytes.")
    expanded = hashlib.shake_256(seed).digest(96)
    lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    curve = X25519PrivateKey.from_private_bytes(expanded[64:])
    public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
    return MLKEM768X25519PrivateKey(lattice, curve), public


def xwing_public(seed: bytes) -> bytes:
    """The X-Wing public key (1,216 bytes) of a 32-byte seed."""
    return _xwing_private(seed)[1]


def hpke_seal(key: bytes, info: bytes, text: bytes) -> bytes:
    """`enc ‖ ct` under an X-Wing public key. Raises MALFORMED (`seal`) for a key that is none."""
    if len(key) != XWING_KEY:
        raise _seal(Code.MALFORMED, "An X-Wing public key has 1,216 bytes.")
    try:
        public = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(key[:1184]), X25519PublicKey.from_public_bytes(key[1184:])
        )
        return _HPKE.encrypt(text, public, info)
    except ValueError as error:
        raise _seal(Code.MALFORMED, "The bytes are not an X-Wing public key.") from error


def hpke_open(seed: bytes, info: bytes, sealed: bytes) -> bytes:
    """What was sealed to the key of `seed` with this info. Raises BAD_SEAL (`seal`)."""
    private = _xwing_private(seed)[0]
    try:
        return _HPKE.decrypt(sealed, private, info)
    except (InvalidTag, ValueError) as error:
        raise _seal(Code.BAD_SEAL, "The seal does not open.") from error


def check_xwing_key(key: bytes) -> None:
    """Test-seals to a new X-Wing key (e2ee.md section 1). Raises MALFORMED (`seal`)."""
    hpke_seal(key, b"", b"")
