"""Two people on one relay."""

from __future__ import annotations

import pytest

from tests.sdk_python.relay import Player, Relay


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def ada(relay: Relay) -> Player:
    return Player(relay, "ada")


@pytest.fixture
def bob(relay: Relay) -> Player:
    return Player(relay, "bob")
