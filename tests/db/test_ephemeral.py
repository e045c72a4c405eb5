"""What is told once: queues that never grow beyond their bounds, and long messages in parts."""

from __future__ import annotations

import asyncio
import json
from itertools import zip_longest
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.bus import Bus
from db.bus_backends import Postgres
from db.ephemeral import TOLD, Listener, Told
from db.parts import LONGEST, PART, UNFINISHED, Together, in_parts

SPACE = UUID(int=1)


def told(body: str) -> Told:
    return Told("signal", SPACE, 1, SPACE, SPACE, body)


@given(sizes=st.lists(st.integers(0, 40), max_size=60))
async def test_a_queue_keeps_the_newest_within_its_bounds(sizes: list[int]) -> None:
    listener = Listener(SPACE, lambda _: True, most=10, most_size=100)
    sent = [f"{number:02}{'x' * size}" for number, size in enumerate(sizes)]
    for body in sent:
        listener.offer(told(body))
    kept: list[str] = []
    while (one := listener.pop()) is not None:
        kept.append(one.body)
    assert kept == sent[len(sent) - len(kept) :]
    assert len(kept) <= 10
    assert sum(map(len, kept)) <= 100
    if len(kept) < len(sent):  # one more would have been too much
        assert len(kept) == 10 or sum(map(len, sent[len(sent) - len(kept) - 1 :])) > 100


@given(
    texts=st.lists(st.integers(0, 3 * PART).map(lambda size: str(size) * (size // 4 + 1)), max_size=4),
    lost=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 9))),
    reverse=st.booleans(),
)
def test_texts_come_together_whatever_lies_between_their_parts(
    texts: list[str], lost: set[tuple[int, int]], reverse: bool
) -> None:
    parts = [[(at, part) for part in in_parts(text)] for at, text in enumerate(texts)]
    mixed = [one for row in zip_longest(*parts) for one in row if one is not None]
    together, whole = Together(), dict[int, str]()
    for at, part in reversed(mixed) if reverse else mixed:
        found = None if (at, part[1]) in lost else together.take(*part)
        if found is not None:
            whole[at] = found
    complete = {at for at, of in enumerate(parts) if not any((at, part[1]) in lost for _, part in of)}
    assert whole == {at: texts[at] for at in complete}


def test_what_stays_unfinished_is_given_up_and_what_is_too_long_refused() -> None:
    together = Together()
    first, *rest = in_parts("x" * (PART + 1))
    together.take(*first)
    for _ in range(UNFINISHED):
        together.take(*next(iter(in_parts("y" * (PART + 1)))))
    assert [together.take(*part) for part in rest] == [None]
    with pytest.raises(ValueError, match="too long"):
        list(in_parts("x" * (LONGEST * PART + 1)))
    assert together.take("name", LONGEST, LONGEST, "") is None


def test_each_part_fits_notify() -> None:
    for part in in_parts("x" * (LONGEST * PART)):
        id_ = uuid4().hex
        message = {"kind": TOLD, "t": "signal", "s": id_, "a": 2**53, "m": id_, "d": id_, "p": part}
        assert len(json.dumps(["0" * 16, message], separators=(",", ":"))) <= Postgres.LONGEST


async def test_what_is_worth_nothing_later_never_waits_for_a_bus_that_is_away() -> None:
    heard: list[dict[str, object]] = []
    bus = Bus("redis://127.0.0.1:1")
    bus.subscribe(heard.append)
    for number in range(5_000):
        bus.mention({"kind": "test", "n": number})
    bus.publish({"kind": "session-revoked"})
    assert list(bus._queue) == [{"kind": "session-revoked"}]
    await asyncio.sleep(0)
    assert len(heard) == 5_001  # this process hears all the same
