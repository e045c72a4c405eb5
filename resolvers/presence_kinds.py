"""What is said of a member's presence. No imports from use cases, so that the surface and the port can both use it."""

from db.presence.states import PresenceState as PresenceState
from db.presence.states import Shown as Shown
