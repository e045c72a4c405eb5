"""Why sending stops in a conversation, and what a person may decide about it (docs/decisions/0082)."""

from __future__ import annotations

from enum import StrEnum

FORKED = "The server shows a different past of this conversation than before. Nothing more is sent here."
LOST = "The server has lost a part of this conversation. Nothing more is sent here."
OTHER_PAST = "The server shows another past of this conversation. Nothing more is sent here."
WITHHELD = "The server withholds a part of this conversation. Nothing more is sent here."
WITHHELD_MESSAGE = "The server withholds a message that has not expired. Nothing more is sent here."
OMITTED = "The server no longer shows this conversation, although nobody removed you."
OWN_KEYS = (
    "The server shows other keys of your own account than this device has seen. Nothing more is sent here, and what is "
    "here stays readable. If the server was restored from a backup: come in anew with your recovery key and a new "
    "store, and remove this device there."
)
SEEN_MORE = (
    "The server shows less of this conversation than another of your devices has seen. Nothing more is sent here."
)
SEEN_OTHER = (
    "The server shows this conversation otherwise than another of your devices saw it. Nothing more is sent here."
)


class Why(StrEnum):
    """What an alarm is about."""

    FORKED = "forked"  # the log is not the one seen before, or not the one that others see
    LOST = "lost"  # the log ends before what was seen: as after a restored backup
    WITHHELD = "withheld"  # something is there, and not shown
    OMITTED = "omitted"  # the conversation is not listed any more
    MEMBER = "member"  # a member's keys are not those seen before
    OWN = "own"  # the own keys are not: nobody but this member can mend that, from another device
    INVALID = "invalid"  # the server accepted, or handed out, what does not verify

    @property
    def can_offer(self) -> bool:
        """Whether what this device has signed can be offered to the server again."""
        return self is Why.LOST

    @property
    def can_accept(self) -> bool:
        """Whether a person may go on with what the server shows now: it is then verified afresh."""
        return self not in (Why.INVALID, Why.OWN)
