"""What the composition root makes of settings that certificates depend on: logs to ask, a linter beside the signer."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from acme_server import app, composed
from acme_server.clock import utc_now
from acme_server.config import Ct, Lint, Settings, Url
from acme_server.use_cases.log_list import Source
from ca import log_lists
from ca.ct_publisher import PublisherUnfit
from ca.log_lists import LogLists, Published
from ca.pkilint_pool import PkilintPool
from ca.signer_lint import NO_DEMANDS
from tests.acme_server.conftest import Served
from tests.simulators.ct_log import ListPublisher, log_list, three


async def test_by_default_nobody_is_asked(served: Served, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    async with composed.context_of(settings, served.context.pool, "test") as context:
        assert context.transparency is None
        assert list(app.checks_of(settings, context)) == ["database", "evidence seal", "signer"]
    assert await composed.demands_of(settings) == NO_DEMANDS


async def test_logs_are_known_at_the_start_and_a_file_counts_before_an_address(served: Served, tmp_path: Path) -> None:
    logs = three([], utc_now)
    for log in logs:
        log.url = "https://log.test"
    content, publisher = log_list(logs, utc_now()), ListPublisher()
    (tmp_path / "key.pem").write_bytes(publisher.pem)
    found = Published(content, publisher.sign(content))
    await log_lists.insert(served.owner, LogLists(None), found, "test", "process:test", utc_now())
    address, beside = Url("https://list.test/log_list.json"), Url("https://list.test/log_list.sig")
    at = Ct(required=True, log_list_url=address, log_list_signature_url=beside)
    key, file, signature = Path("key.pem"), Path("logs.json"), Path("logs.sig")
    for chosen, source in (
        (replace(at, log_list=file), Source(tmp_path / "logs.json")),
        (at, Source(address)),
        (replace(at, log_list_key=key), Source(address, beside)),
        (replace(at, log_list_key=key, log_list=file, log_list_signature=signature),
         Source(tmp_path / "logs.json", tmp_path / "logs.sig")),
    ):  # fmt: skip
        settings = Settings(data=tmp_path, ct=chosen)
        async with composed.context_of(settings, served.context.pool, "test") as context:
            assert context.transparency is not None
            assert context.transparency.source == source
            assert await app.checks_of(settings, context)["logs"]() is None
            assert context.transparency.logs is not None
            assert len(context.transparency.logs.logs) == 3
        demands = await composed.demands_of(settings)
        assert demands.transparency
        for who in (demands.publisher, context.transparency.lists.publisher):
            assert (who is not None and who.signed(*msgspec.structs.astuple(found))) is (chosen.log_list_key == key)


@pytest.mark.parametrize("content", [None, b"no key"])
async def test_without_the_publishers_key_nothing_starts(served: Served, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "key.pem").write_bytes(content)
    ct = Ct(required=True, log_list=Path("logs.json"), log_list_signature=Path("sig"), log_list_key=Path("key.pem"))
    settings = Settings(data=tmp_path, ct=ct)
    with pytest.raises(PublisherUnfit, match=r"key\.pem: "):
        await composed.demands_of(settings)
    with pytest.raises(PublisherUnfit, match=r"key\.pem: "):
        async with composed.context_of(settings, served.context.pool, "test"):
            pass


async def test_the_linter_has_begun_when_the_signer_does(tmp_path: Path) -> None:
    demands = await composed.demands_of(Settings(data=tmp_path, lint=Lint(processes=1, ignored=("cabf.x",))))
    assert isinstance(demands.linter, PkilintPool)
    assert demands.linter.ignored == ("cabf.x",)
    assert [worker.process is not None for worker in demands.linter.workers] == [True]
    await demands.linter.close()
