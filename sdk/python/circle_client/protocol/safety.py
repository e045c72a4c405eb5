"""The safety number of two members (e2ee.md section 12), in digits and as the text of a QR code."""

from __future__ import annotations

import base64
import binascii

from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, kdf
from circle_client.protocol.structures import HASH

GROUPS = 12
SAFETY_QR = "circle-safety:"
"""What the text of the QR code begins with; both IDs as base64url without padding follow, the lower one first."""

_refuse = Refuser(Layer.DERIVATION)


def safety_number(own: bytes, other: bytes) -> str:
    """12 groups of five digits from two IDs; the same for both members."""
    lower, higher = sorted((own, other))
    data = kdf(lower + higher, b"", Label.SAFETY, [], GROUPS * 5)
    numbers = (int.from_bytes(data[i : i + 5], "big") % 100_000 for i in range(0, len(data), 5))
    return " ".join(f"{number:05d}" for number in numbers)


def safety_qr(own: bytes, other: bytes) -> str:
    """The text of the QR code; the same for both members."""
    lower, higher = sorted((own, other))
    return SAFETY_QR + base64.urlsafe_b64encode(lower + higher).rstrip(b"=").decode()


def read_safety_qr(text: str) -> tuple[bytes, bytes]:
    """The two IDs of such a text, the lower one first. Raises MALFORMED (`derivation`) for any other text."""
    code = text.strip()
    try:
        data = base64.b64decode(code.removeprefix(SAFETY_QR) + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refuse(Code.MALFORMED, "This is no safety number's code.") from error
    if len(data) != 2 * HASH or data[:HASH] == data[HASH:] or safety_qr(data[:HASH], data[HASH:]) != code:
        raise _refuse(Code.MALFORMED, "This is no safety number's code.")
    return data[:HASH], data[HASH:]
