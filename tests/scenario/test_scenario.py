"""Whatever happens: every accepted, unexpired message is readable on every device that should read it, by nobody else.

A scenario is a list of moments, a moment is one to three steps at once. Hypothesis makes scenarios until enough
messages have gone through them, and shrinks one that fails. The same seed makes the same scenarios:
`CIRCLE_SCENARIO_SEED` for others, `CIRCLE_SCENARIO_MESSAGES` for more or fewer, `CIRCLE_SCENARIO_SHRINK=0` to see a
failure at once.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from tests.scenario.judge import judge
from tests.scenario.rules import RULES, Step, carry_out
from tests.scenario.world import World, world
from tests.support.database import Server
from tests.support.driver import driver

MESSAGES = int(os.environ.get("CIRCLE_SCENARIO_MESSAGES", "20000"))
SEED = int(os.environ.get("CIRCLE_SCENARIO_SEED", "3"))
SHRINK = os.environ.get("CIRCLE_SCENARIO_SHRINK", "1") == "1"
WEIGHTS = {"burst": 8, "say": 4, "create": 4, "add": 4, "remove": 2, "start": 4, "restart": 2, "link": 2, "recover": 2}

Moment = list[Step]

_rules = [name for name in RULES for _ in range(WEIGHTS.get(name, 1))]
_steps = st.builds(Step, st.sampled_from(_rules), st.tuples(*(st.integers(0, 999) for _ in range(6))))
_moments = st.lists(_steps, min_size=1, max_size=3)
scenarios = st.lists(_moments, min_size=25, max_size=40)


async def play(one: World, scenario: list[Moment]) -> int:
    """Let it all happen, then judge; how many messages were accepted."""
    await one.look()
    for moment in ([Step("create", (0, 0, 0, 3, 0, 0))], [Step("create", (1, 0, 1, 3, 0, 1))], *scenario):
        await asyncio.gather(*(carry_out(one, step) for step in moment))
        await one.look()
    one.note("all come together")
    await judge(one)
    one.note("all is as it should be")
    return one.accepted


async def run(postgres: Server, scenario: list[Moment]) -> int:
    """One world from its beginning to its end."""
    with tempfile.TemporaryDirectory() as folder:
        async with postgres.fresh() as dsn, driver() as node, world(Path(folder), dsn, node) as one:
            try:
                return await play(one, scenario)
            except BaseException:
                note("\n".join(one.journal))
                raise


class Tally:
    """How many messages went through so far; once a scenario has failed, all are played, for they are its shrinking."""

    def __init__(self) -> None:
        self.accepted, self.scenarios, self.has_failed = 0, 0, False

    @property
    def is_enough(self) -> bool:
        """Whether no more is needed."""
        return self.accepted >= MESSAGES and not self.has_failed

    def play(self, postgres: Server, scenario: list[Moment]) -> None:
        """One scenario."""
        try:
            self.accepted += asyncio.run(run(postgres, scenario))
        except BaseException:
            self.has_failed = True
            raise
        self.scenarios += 1


def test_every_message_is_readable_where_it_should_be(postgres: Server) -> None:
    tally = Tally()

    @seed(SEED)
    @settings(
        max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, *([Phase.shrink] if SHRINK else [])], report_multiple_bugs=False,
    )  # fmt: skip
    @given(scenarios)
    def any_scenario(scenario: list[Moment]) -> None:
        if not tally.is_enough:
            tally.play(postgres, scenario)

    any_scenario()
    print(f"{tally.accepted} messages in {tally.scenarios} scenarios")
    assert tally.accepted >= MESSAGES
