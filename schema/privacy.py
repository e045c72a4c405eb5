"""Privacy settings in the schema."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.errors import Refusal
from resolvers.privacy import Privacy as Settings
from resolvers.privacy import SetPrivacy, get_privacy, set_privacy
from schema.context import Info
from schema.errors import UserError, user_errors


@strawberry.type(description="What the viewer lets others see. Everything is shown unless it is switched off.")
class Privacy:
    """The viewer's settings."""

    presence: bool = strawberry.field(
        description="Whether others see the viewer's presence. Who hides it sees nobody else's lastSeenAt."
    )
    read_receipts: bool = strawberry.field(description="Whether the viewer's clients tell others what was read.")
    delivery_receipts: bool = strawberry.field(description="Whether the viewer's clients tell others what has arrived.")

    @classmethod
    def of(cls, settings: Settings) -> Privacy:
        """The GraphQL object of the settings."""
        return cls(
            presence=settings.presence,
            read_receipts=settings.read_receipts,
            delivery_receipts=settings.delivery_receipts,
        )


@strawberry.input(description="What setPrivacy takes: what is to change.")
class SetPrivacyInput:
    """Omitted and null alike leave a setting as it is."""

    presence: bool | None = strawberry.field(default=None, description="Show presence; null: as it was.")
    read_receipts: bool | None = strawberry.field(default=None, description="Send read receipts; null: as it was.")
    delivery_receipts: bool | None = strawberry.field(
        default=None, description="Send delivery receipts; null: as it was."
    )


@strawberry.type(description="What setPrivacy answers.")
class SetPrivacyPayload:
    """The settings, or why not."""

    privacy: Privacy | None = strawberry.field(description="The settings from now on.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type
class PrivacyViewer:
    """The field of `Viewer` on privacy."""

    @strawberry.field(description="What the viewer lets others see.")
    async def privacy(self, info: Info) -> Privacy:
        """The settings."""
        return Privacy.of(await get_privacy(info.context))


@strawberry.type
class PrivacyMutation:
    """The field of `Mutation` on privacy."""

    @strawberry.mutation(description="Change what the viewer lets others see; presence is hidden or shown at once.")
    async def set_privacy(
        self, info: Info, input: Annotated[SetPrivacyInput, strawberry.argument(description="What is to change.")]
    ) -> SetPrivacyPayload:
        """Call the use case, map the result."""
        command = SetPrivacy(input.presence, input.read_receipts, input.delivery_receipts)
        try:
            settings = await set_privacy(info.context, command)
        except Refusal as refusal:
            return SetPrivacyPayload(privacy=None, errors=user_errors(refusal))
        return SetPrivacyPayload(privacy=Privacy.of(settings), errors=[])
