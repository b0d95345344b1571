"""Two years of ten contracts: who does what on which day, in Japan. The rest the product does by itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from acme_server.dev.story import acts
from acme_server.dev.story.world import World

FIRST_DAY, MONTHS = date(2026, 4, 1), 24


@dataclass(frozen=True)
class Scene:
    """An act of a day, at ten in the morning."""

    on: date
    act: Callable[..., Awaitable[None]]
    words: tuple[Any, ...]

    async def play(self, world: World) -> None:
        """It happens."""
        await self.act(world, *self.words)


def on(day: str, act: Callable[..., Awaitable[None]], *words: Any) -> Scene:
    """A scene of a day."""
    return Scene(date.fromisoformat(day), act, words)


SCENES = (
    on("2026-04-01", acts.found),
    # sakura pays in time, and renews under the same keys
    on("2026-04-01", acts.apply, "sakura", "Sakura K.K.", "ｻｸﾗ"),
    on("2026-04-03", acts.accept, "sakura"),
    on("2026-04-06", acts.install, "sakura"),
    on("2026-05-20", acts.pay, "sakura", "ｶ)ｻｸﾗ", 60_500),
    on("2027-02-01", acts.renew, "sakura", "sakura-2", "renewal", "Sakura K.K."),
    on("2027-02-15", acts.accept, "sakura-2"),
    on("2027-04-20", acts.pay, "sakura", "ｶ)ｻｸﾗ", 60_500),
    on("2027-06-25", acts.pay, "sakura", "ｶ)ｻｸﾗ", 641),
    # ume pays late: blocked, and free with the booking
    on("2026-04-13", acts.apply, "ume", "Ume K.K.", "ｳﾒ"),
    on("2026-04-15", acts.accept, "ume"),
    on("2026-05-11", acts.install, "ume"),
    on("2026-07-02", acts.order, "ume"),
    on("2026-07-15", acts.pay, "ume", "ｶ)ｳﾒ", 60_500),
    on("2026-07-16", acts.order, "ume"),
    on("2027-03-01", acts.renew, "ume", "ume-2", "renewal", "Ume K.K."),
    on("2027-03-05", acts.accept, "ume-2"),
    on("2027-08-02", acts.pay, "ume", "ｶ)ｳﾒ", 60_500),
    # take never pays
    on("2026-05-01", acts.apply, "take", "Take K.K.", "ﾀｹ"),
    on("2026-05-08", acts.accept, "take"),
    on("2026-05-18", acts.install, "take"),
    on("2026-05-19", acts.ask_for_seal, "take"),
    on("2026-07-21", acts.revoke_unpaid, "take"),
    on("2026-07-22", acts.order, "take"),
    on("2026-07-23", acts.switch_off, "take"),
    # matsu changes its name: a new contract
    on("2026-06-01", acts.apply, "matsu", "Matsu K.K.", "ﾏﾂ"),
    on("2026-06-05", acts.accept, "matsu"),
    on("2026-06-08", acts.install, "matsu"),
    on("2026-07-10", acts.pay, "matsu", "ｶ)ﾏﾂ", 60_500),
    on("2026-09-10", acts.learn_of_new_name, "matsu"),
    on("2026-09-10", acts.order, "matsu"),
    on("2026-09-11", acts.renew, "matsu", "matsu-2", "change", "Aomatsu K.K."),
    on("2026-09-12", acts.accept, "matsu-2"),
    on("2026-09-12", acts.order, "matsu"),
    on("2026-10-20", acts.pay, "matsu", "ｶ)ﾏﾂ", 60_500),
    # kiku cancels
    on("2026-06-15", acts.apply, "kiku", "Kiku K.K.", "ｷｸ"),
    on("2026-06-19", acts.accept, "kiku"),
    on("2026-06-22", acts.install, "kiku"),
    on("2026-07-31", acts.pay, "kiku", "ｶ)ｷｸ", 60_500),
    on("2026-11-20", acts.cancel, "kiku"),
    on("2026-11-21", acts.switch_off, "kiku"),
    # tsubaki turns out to be of anti-social forces
    on("2026-07-01", acts.apply, "tsubaki", "Tsubaki K.K.", "ﾂﾊﾞｷ"),
    on("2026-07-03", acts.accept, "tsubaki"),
    on("2026-07-06", acts.install, "tsubaki"),
    on("2026-08-10", acts.pay, "tsubaki", "ｶ)ﾂﾊﾞｷ", 60_500),
    on("2026-12-01", acts.hold, "tsubaki"),
    on("2026-12-02", acts.order, "tsubaki"),
    on("2026-12-03", acts.rescind, "tsubaki"),
    on("2026-12-04", acts.order, "tsubaki"),
    # ran is accepted and never asks for a certificate
    on("2026-07-01", acts.apply, "ran", "Ran K.K.", "ﾗﾝ"),
    on("2026-07-03", acts.accept, "ran"),
    # hagi does not renew
    on("2026-08-03", acts.apply, "hagi", "Hagi K.K.", "ﾊｷﾞ"),
    on("2026-08-05", acts.accept, "hagi"),
    on("2026-08-31", acts.install, "hagi"),
    on("2026-09-30", acts.pay, "hagi", "ｶ)ﾊｷﾞ", 60_500),
    # kaede's bank deducts its charge; two certificates live, and one is revoked
    on("2026-11-02", acts.apply, "kaede", "Kaede K.K.", "ｶｴﾃﾞ"),
    on("2026-11-06", acts.accept, "kaede"),
    on("2026-11-10", acts.install, "kaede"),
    on("2027-01-04", acts.pay, "kaede", "ｶ)ｶｴﾃﾞ", 60_060),
    on("2027-01-05", acts.explain_line, "kaede"),
    on("2027-01-06", acts.order, "kaede"),
    on("2027-01-08", acts.write_off_rest, "kaede"),
    on("2027-01-08", acts.order, "kaede"),
    on("2027-02-01", acts.revoke_one, "kaede"),
    # the tax rises on 1 October 2027
    on("2027-05-10", acts.new_rate, 1200, date(2027, 10, 1)),
    # fuji is taken over in a merger
    on("2027-06-01", acts.apply, "fuji", "Fuji K.K.", "ﾌｼﾞ"),
    on("2027-06-04", acts.accept, "fuji"),
    on("2027-06-15", acts.install, "fuji"),
    on("2027-07-20", acts.pay, "fuji", "ｶ)ﾌｼﾞ", 61_325),
    on("2027-09-15", acts.report_merger, "fuji", "Fujisan K.K.", date(2027, 9, 1)),
    on("2027-09-16", acts.renew, "fuji", "fuji-2", "change", "Fujisan K.K."),
    on("2027-09-17", acts.accept, "fuji-2"),
    on("2027-09-17", acts.order, "fuji"),
    on("2027-09-21", acts.finish_merger, "fuji", "Fujisan K.K."),
    on("2027-10-20", acts.pay, "fuji", "ｶ)ﾌｼﾞ", 61_600),
    # the service ends
    on("2027-11-29", acts.end_service, date(2028, 3, 1)),
)
