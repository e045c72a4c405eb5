"""How fields reach their operation's context: `info.context` is the `Ctx` itself (or a subclass of it)."""

from __future__ import annotations

from typing import Any, TypeAlias

import strawberry

from resolvers.context import Ctx

Info: TypeAlias = strawberry.Info[Ctx, Any]
