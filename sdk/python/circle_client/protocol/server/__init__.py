"""What the server checks before it accepts (e2ee.md section 13), as pure functions over the rows it has locked."""

from circle_client.protocol.server.envelopes import Known, Verdict, check_envelope, check_signal
from circle_client.protocol.server.linking import check_link_answer
from circle_client.protocol.server.members import (
    Rotation,
    SignedUp,
    SignUp,
    check_member_link,
    check_rotation,
    check_sign_up,
    needs_rotation,
)
from circle_client.protocol.server.spaces import (
    check_announcement,
    check_complaint,
    check_grant,
    check_roster_link,
)
from circle_client.protocol.server.state import (
    Asker,
    EpochInput,
    RecipientState,
    SenderState,
    SpaceState,
    due_reason,
)

__all__ = [
    "Asker",
    "EpochInput",
    "Known",
    "RecipientState",
    "Rotation",
    "SenderState",
    "SignUp",
    "SignedUp",
    "SpaceState",
    "Verdict",
    "check_announcement",
    "check_complaint",
    "check_envelope",
    "check_grant",
    "check_link_answer",
    "check_member_link",
    "check_roster_link",
    "check_rotation",
    "check_sign_up",
    "check_signal",
    "due_reason",
    "needs_rotation",
]
