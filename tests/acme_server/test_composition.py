"""What the composition root makes of settings that certificates depend on: logs to ask, a linter beside the signer."""

from pathlib import Path

from acme_server import app
from acme_server.clock import utc_now
from acme_server.config import Ct, Lint, Settings, Url
from ca import ct_storage
from ca.pkilint_pool import PkilintPool
from ca.signer_lint import NO_DEMANDS
from tests.acme_server.conftest import Served
from tests.simulators.ct_log import log_list, three


async def test_by_default_nobody_is_asked(served: Served, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    async with app.context_of(settings, served.context.pool, "test") as context:
        assert context.transparency is None
    assert await app.demands_of(settings) == NO_DEMANDS


async def test_logs_are_known_at_the_start_and_a_file_counts_before_an_address(served: Served, tmp_path: Path) -> None:
    logs = three([], utc_now)
    for log in logs:
        log.url = "https://log.test"
    await ct_storage.insert_log_list(served.owner, log_list(logs, utc_now()), "test", "process:test", utc_now())
    address = Url("https://list.test/log_list.json")
    for chosen, source in (
        (Ct(required=True, log_list=Path("logs.json"), log_list_url=address), tmp_path / "logs.json"),
        (Ct(required=True, log_list_url=address), address),
    ):
        settings = Settings(data=tmp_path, ct=chosen)
        async with app.context_of(settings, served.context.pool, "test") as context:
            assert context.transparency is not None
            assert context.transparency.source == source
            assert context.transparency.logs is not None
            assert len(context.transparency.logs.logs) == 3
        assert (await app.demands_of(settings)).transparency


async def test_the_linter_has_begun_when_the_signer_does(tmp_path: Path) -> None:
    demands = await app.demands_of(Settings(data=tmp_path, lint=Lint(processes=1, ignored=("cabf.x",))))
    assert isinstance(demands.linter, PkilintPool)
    assert demands.linter.ignored == ("cabf.x",)
    assert [worker.process is not None for worker in demands.linter.workers] == [True]
    await demands.linter.close()
