"""The base of the generated client: operations go out through a `Carrier`, errors come back as this package's own.

ariadne-codegen copies this file into `circle_client/gql/`; edit it in `circle_client/operations/`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Protocol

from circle_client.gql.base_model import UNSET, BaseModel
from pydantic_core import to_jsonable_python


class Carrier(Protocol):
    """What takes operations to the server: `circle_client.transport.Transport`."""

    async def post(self, query: str, operation: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The `data` of one query or mutation over HTTP. Raises CircleError."""

    def subscribe(self, query: str, operation: str, variables: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The `data` of each item of one subscription, until it completes or the socket ends. Raises CircleError."""


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return to_jsonable_python(value)


class CarriedClient:
    """Base class of `Client`, by the names that ariadne-codegen's output calls."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    async def execute(
        self, query: str, operation_name: str | None = None, variables: dict[str, Any] | None = None, **_: Any
    ) -> dict[str, Any]:
        """The `data` of one operation."""
        plain = {name: _plain(value) for name, value in (variables or {}).items() if value is not UNSET}
        return await self._carrier.post(query, operation_name or "", plain)

    def get_data(self, response: dict[str, Any]) -> dict[str, Any]:
        """`execute` has unpacked it already."""
        return response

    async def execute_ws(
        self, query: str, operation_name: str | None = None, variables: dict[str, Any] | None = None, **_: Any
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The `data` of each item of a subscription."""
        plain = {name: _plain(value) for name, value in (variables or {}).items() if value is not UNSET}
        async for data in self._carrier.subscribe(query, operation_name or "", plain):
            yield data
