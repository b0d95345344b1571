"""A story is played day by day: the bank's file at six, people at ten, machines at noon, the daily jobs at eleven."""

from collections.abc import Callable, Sequence
from datetime import date, time, timedelta

from acme_server.config import Settings
from acme_server.dev.story import acts
from acme_server.dev.story.outcome import Outcome, outcome_of
from acme_server.dev.story.script import FIRST_DAY, SCENES, Scene
from acme_server.dev.story.telling import Line
from acme_server.dev.story.world import World, world
from contract_gate.calendar import DAY, period_end

MORNING, FORENOON, NOON, NIGHT = time(6), time(10), time(12), time(23)
LATER = timedelta(seconds=1)  # each night: what was to come in so many days has come by then


async def play(
    settings: Settings, owner_dsn: str, months: int, tell: Callable[[Line], None], scenes: Sequence[Scene] = SCENES
) -> Outcome:
    """The story's first `months`, on a fresh database that is migrated. What came of it."""
    async with world(settings, owner_dsn, FIRST_DAY, months, tell) as stage:
        today, last = FIRST_DAY, period_end(FIRST_DAY, months)
        while today < last:
            await day(stage, today, [scene for scene in scenes if scene.on == today])
            today += DAY
        return await outcome_of(stage.conn)


async def day(stage: World, today: date, scenes: Sequence[Scene]) -> None:
    """One day in Japan."""
    stage.set(today, MORNING)
    await acts.bank_morning(stage)
    await stage.narrate()
    stage.set(today, FORENOON)
    for scene in scenes:
        await scene.play(stage)
        await stage.soon()
    stage.set(today, NOON)
    for contract, machine in stage.machines.items():
        if machine.is_due(stage.now):
            await acts.order(stage, contract)
    stage.set(today, NIGHT, (today - FIRST_DAY) // DAY * LATER)
    await stage.daily()
