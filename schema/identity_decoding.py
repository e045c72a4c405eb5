"""From GraphQL inputs to the use cases' commands."""

from __future__ import annotations

from resolvers.errors import Code, Refusal
from resolvers.protocol import SignUp
from resolvers.sign_up import SignUpCommand
from schema.identity_inputs import SignUpInput
from schema.inputs import member_link, signed_body

MAX_BOXES = 2


def sign_up_command(sent: SignUpInput) -> SignUpCommand:
    """The command of a SignUpInput. Raises Refusal MALFORMED for what is too large to be looked at."""
    if len(sent.boxes) > MAX_BOXES:
        raise Refusal(Code.MALFORMED, "Send exactly two boxes.", ("input", "boxes"))
    proof = SignUp(
        identity=member_link(sent.identity, "identity"),
        device_seal=signed_body(sent.device_seal, "deviceSeal"),
        member_key=signed_body(sent.member_key, "memberKey"),
        boxes=tuple((bytes(box.device), bytes(box.box)) for box in sent.boxes),
        account=signed_body(sent.account, "account"),
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
        platform=sent.platform,
    )
