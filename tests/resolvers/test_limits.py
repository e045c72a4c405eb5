"""How much a member may send: a bucket each, told as data, filled up by time."""

from __future__ import annotations

from uuid import uuid4

import pytest

from resolvers.errors import RateLimited
from resolvers.limits import REMEMBERED, Buckets, Rate


class Clock:
    """Time as a test wants it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make(per_second: float, burst: float) -> tuple[Buckets, Clock]:
    clock = Clock()
    return Buckets(Rate(per_second, burst, "Wait."), clock), clock


def drain(buckets: Buckets, member: object) -> int:
    """How many the member gets until it is refused."""
    for count in range(1_000):
        try:
            buckets.take(member)  # type: ignore[arg-type]  # any key will do
        except RateLimited:
            return count
    raise AssertionError("there was no limit")


def test_a_burst_and_then_what_time_brings() -> None:
    buckets, clock = make(per_second=5, burst=10)
    assert drain(buckets, "ada") == 10
    clock.now += 1
    assert drain(buckets, "ada") == 5
    clock.now += 1_000
    assert drain(buckets, "ada") == 10  # never more than the burst


def test_members_do_not_take_from_each_other() -> None:
    buckets, _ = make(per_second=1, burst=3)
    assert [drain(buckets, member) for member in ("ada", "ben")] == [3, 3]


@pytest.mark.parametrize(("per_second", "seconds"), [(50.0, 1), (1.0, 1), (0.1, 10)])
def test_who_waits_as_told_gets_one(per_second: float, seconds: int) -> None:
    buckets, clock = make(per_second, burst=1)
    member = uuid4()
    buckets.take(member)
    with pytest.raises(RateLimited) as refused:
        buckets.take(member)
    assert refused.value.retry_after == seconds
    clock.now += seconds
    buckets.take(member)


def test_members_who_have_not_sent_for_long_are_forgotten() -> None:
    buckets, clock = make(per_second=1, burst=2)
    for _ in range(REMEMBERED):
        buckets.take(uuid4())
    clock.now += 10
    buckets.take(uuid4())
    assert len(buckets) == 1
