"""Global ids: one spelling each, and no way from one type to another."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.errors import NotFound
from schema.node import decode_any, decode_id, encode_id


@given(st.uuids())
def test_an_id_leads_back_to_its_uuid(key: UUID) -> None:
    assert decode_id("Conversation", encode_id("Conversation", key)) == key
    with pytest.raises(NotFound):
        decode_id("Member", encode_id("Conversation", key))


@given(st.text(max_size=120))
def test_other_texts_lead_nowhere(text: str) -> None:
    with pytest.raises(NotFound):
        decode_id("Conversation", text)


def test_an_id_has_one_spelling() -> None:
    node_id = encode_id("Conversation", uuid4())
    for other in (node_id + "=", node_id + "\n", node_id.replace("_", "/") + "==", " " + node_id):
        with pytest.raises(NotFound):
            decode_any(other)
