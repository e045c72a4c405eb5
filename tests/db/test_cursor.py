"""Snapshots and sealed cursors."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.cursor import Cursor, CursorBox, Resync, Snapshot

BOX = CursorBox(bytes(range(32)))


@st.composite
def snapshots(draw: st.DrawFn, open_most: int = 200) -> Snapshot:
    xmin = draw(st.integers(3, 2**40))
    gaps = draw(st.lists(st.integers(1, 300), max_size=open_most))
    xip, last = [], xmin
    for gap in gaps:
        xip.append(last)
        last += gap
    return Snapshot(xmin, last + draw(st.integers(0, 50)), frozenset(xip))


def positions() -> st.SearchStrategy[tuple[int, UUID, int]]:
    return st.tuples(st.integers(0, 1), st.uuids(), st.integers(1, 2**50))


@given(st.uuids(), snapshots(60), st.none() | snapshots(60), st.none() | positions(), st.none() | st.uuids())
def test_what_is_sealed_is_opened(
    life: UUID, base: Snapshot, target: Snapshot | None, at: tuple[int, UUID, int] | None, space: UUID | None
) -> None:
    cursor = Cursor(life, base, target, at, space)
    assert BOX.open(BOX.seal(cursor)) == cursor


@given(snapshots())
def test_a_long_snapshot_is_cut_to_what_it_surely_sees(snapshot: Snapshot) -> None:
    cut = BOX.open(BOX.seal(Cursor(uuid4(), snapshot))).base
    assert len(cut.xip) <= 64
    assert snapshot.covers(cut)
    for xid in range(snapshot.xmin - 3, snapshot.xmin + 400):
        assert snapshot.sees(xid) or not cut.sees(xid)
    assert len(BOX.seal(Cursor(uuid4(), snapshot, snapshot, (1, uuid4(), 2**50)))) < 900


@given(snapshots(8), snapshots(8))
def test_covers_is_exact(one: Snapshot, other: Snapshot) -> None:
    top = max(one.xmax, other.xmax)
    low = min(one.xmin, other.xmin)
    xids = [*range(low, min(low + 4000, top + 1)), *one.xip, *other.xip, one.xmax, other.xmax, other.xmax - 1]
    seen = all(one.sees(x) for x in xids if other.sees(x))
    assert one.covers(other) == seen or (one.xmax < other.xmax and top - low > 4000)


def test_tampering_foreign_keys_and_nonsense_are_a_resync() -> None:
    text = BOX.seal(Cursor(uuid4(), Snapshot(5, 9, frozenset({6}))))
    with pytest.raises(Resync):
        CursorBox(bytes(32)).open(text)
    for place in range(len(text)):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        try:
            BOX.open(changed)
        except Resync:
            continue
        assert place == len(text) - 1  # the last character's spare bits carry nothing
    for nonsense in ("", "A", "AQ", "!!", "ü", "A" * 5000, text + "A", text[:-8]):
        with pytest.raises(Resync):
            BOX.open(nonsense)
