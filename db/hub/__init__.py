"""The hub: one reader of new log rows per process, for all its subscribers (docs/decisions/0030)."""

from db.cursor import Resync
from db.hub.hub import Hub
from db.hub.items import CaughtUp, Delivery, SlowConsumer
from db.hub.subscription import Live, Sink

__all__ = ["CaughtUp", "Delivery", "Hub", "Live", "Resync", "Sink", "SlowConsumer"]
