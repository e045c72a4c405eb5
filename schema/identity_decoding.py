"""From GraphQL inputs to the use cases' commands."""

from __future__ import annotations

from resolvers.errors import Code, Refusal
from resolvers.protocol import Signed, SignedMemberLink, SignUp
from resolvers.sign_up import SignUpCommand
from schema.identity_inputs import SignUpInput
from schema.inputs import SignedInput

SIGNATURE_BYTES = 64
MAX_BODY = 64 * 1024
MAX_BOXES = 2


def sign_up_command(sent: SignUpInput) -> SignUpCommand:
    """The command of a SignUpInput. Raises Refusal MALFORMED for what is too large to be looked at."""
    if len(sent.boxes) > MAX_BOXES:
        raise Refusal(Code.MALFORMED, "Send exactly two boxes.", ("input", "boxes"))
    identity = _signed(sent.identity.body, sent.identity.signature, "identity")
    cosignature = sent.identity.cosignature
    if cosignature is not None and len(cosignature) != SIGNATURE_BYTES:
        raise Refusal(Code.MALFORMED, "A signature has 64 bytes.", ("input", "identity", "cosignature"))
    proof = SignUp(
        identity=SignedMemberLink(identity.body, identity.signature, cosignature),
        device_seal=_input(sent.device_seal, "deviceSeal"),
        member_key=_input(sent.member_key, "memberKey"),
        boxes=tuple((bytes(box.device), bytes(box.box)) for box in sent.boxes),
        account=_input(sent.account, "account"),
    )
    return SignUpCommand(
        invite=sent.invite,
        mac=sent.mac,
        handle=sent.handle,
        display_name=sent.display_name,
        auth_key=sent.auth_key,
        proof=proof,
        device_name=sent.device_name,
        kind=sent.session,
    )


def _input(sent: SignedInput, name: str) -> Signed:
    return _signed(sent.body, sent.signature, name)


def _signed(body: bytes, signature: bytes, name: str) -> Signed:
    if len(body) > MAX_BODY:
        raise Refusal(Code.MALFORMED, "A signed body has at most 64 KiB.", ("input", name, "body"))
    if len(signature) != SIGNATURE_BYTES:
        raise Refusal(Code.MALFORMED, "A signature has 64 bytes.", ("input", name, "signature"))
    return Signed(body, signature)
