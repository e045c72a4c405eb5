"""How quickly complaints follow each other, and how soon keys are looked for."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from circle_client.engine import seeking
from circle_client.engine.engine import Signal
from circle_client.engine.pacing import Pace
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sdk import until


@given(st.lists(st.floats(0, 600, allow_nan=False), min_size=1, max_size=60))
def test_there_is_time_to_send_between_two_rounds_of_complaints(gaps: list[float]) -> None:
    pace, now, rounds = Pace(), 0.0, list[float]()
    for gap in gaps:
        now += gap
        wait = pace.wait(now)
        assert 0 <= wait <= 60
        if not rounds or now + wait > rounds[-1] + 0.5:
            rounds.append(now + wait)
    pauses = [later - earlier for earlier, later in pairwise(rounds)]
    for number, pause in enumerate(pauses):
        assert pause > min(2**number, 60) - 0.5


def test_complaints_that_come_up_together_go_together_and_a_calm_hour_begins_anew() -> None:
    pace = Pace()
    assert [pace.wait(10.0) for _ in range(5)] == [0.0] * 5
    assert [pace.wait(10.25), pace.wait(10.5)] == [0.75, 0.5]
    assert pace.wait(11.5) == 1.5
    assert pace.wait(11.5 + 3700) == 0.0


class Lacking:
    """An engine with one conversation that lacks a key, and keys that count who looks."""

    def __init__(self) -> None:
        newest = SimpleNamespace(n=1)
        self.space = SimpleNamespace(id=b"tea", left=None, newest=newest, waiting={1}, denied=dict[int, bytes]())
        self.machine = SimpleNamespace(spaces={b"tea": self.space})
        self.news, self.keys, self.looks = Signal(), self, 0

    async def look(self, space: object) -> None:
        assert space is self.space
        self.looks += 1

    def wait_for_more(self) -> None:
        """Another entry lacks another key."""
        self.space.waiting.add(2)

    def hear_of_an_epoch(self) -> None:
        """Whose maker may have given keys."""
        self.space.newest.n = 2

    def be_denied(self) -> None:
        """Its seal did not open."""
        self.space.denied[2] = b""


class Rare:
    """Pauses that are over at once at first, and then never."""

    def __init__(self, first: float, most: float) -> None:
        assert first < most

    def reset(self) -> None:
        """Start small again."""

    async def pause(self) -> None:
        """The first pause."""
        await asyncio.sleep(0)

    def seconds(self) -> float:
        """All later ones."""
        return 3600.0


async def test_keys_are_looked_for_soon_again_whenever_something_else_is_lacking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seeking, "Backoff", Rare)
    engine: Any = Lacking()
    online = asyncio.Event()
    online.set()
    task = asyncio.create_task(seeking.Seeker(engine).run(online))
    try:
        for looks, change in enumerate((None, engine.wait_for_more, engine.hear_of_an_epoch, engine.be_denied), 1):
            if change is not None:
                change()
                engine.news.set()
            await until(lambda: engine.looks == looks)  # noqa: B023 - waited for here
            engine.news.set()  # which tells of nothing that matters
            await asyncio.sleep(0.05)
            assert engine.looks == looks
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
