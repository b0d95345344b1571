"""The worker asks the corporate-number register where the settings name it, and learns from its answer (T6-5)."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from acme_server import app
from acme_server.clock import utc_now
from acme_server.config import Settings, Url
from acme_server.config_sections import Database, Register
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.use_cases import check_duties, check_machine
from office.use_cases import register_check
from office.use_cases.corporate_register import WebRegister
from office.use_cases.mail import Posting
from office.worker import sweeps
from sql import Conn
from tests.acme_server.test_worker import until
from tests.conftest import NOW
from tests.office.conftest import accepted as accepted
from tests.office.conftest import applied as applied
from tests.office.conftest import operator as operator
from tests.office.conftest import reviewed as reviewed
from tests.simulators.corporate_register import answer
from tests.simulators.web import Reply, WebSimulator

ID = "K3y-of-ours"
PATH = f"/4/num?id={ID}&number=7000012050002&type=12&history=0"


def named(tmp_path: Path, url: str) -> Register:
    """Settings of a register, its application id in a file of the data folder."""
    (tmp_path / "register-id").write_text(f"{ID}\n")
    return Register(url=Url(url), id_file=Path("register-id"))


@pytest.mark.rule("T6-5")
async def test_the_worker_looks_customers_up(
    accepted: Conn, postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> None:
    dsn, stop = postgres.dsn("{role}", database), asyncio.Event()
    async with WebSimulator.start() as web:
        web.on(PATH, Reply(body=answer({"name": "株式会社新"})))
        settings = Settings(
            data=tmp_path, database=Database(embedded=False, url=dsn),
            register=named(tmp_path, f"http://127.0.0.1:{web.port}"),
        )  # fmt: skip
        working = asyncio.create_task(app.work_office(settings, stop))

        async def looked() -> bool:
            return bool(await register_check.listed(accepted))

        await until(looked)
        stop.set()
        await working
    assert [seen.target for seen in web.seen] == [PATH]
    [state] = await register_check.listed(accepted)
    assert (state.customer, state.name) == ("kaisha", "株式会社新")
    assert abs((state.checked_at - utc_now()).total_seconds()) < 60
    kinds = await accepted.fetch("SELECT ground, attention FROM office.cases")
    assert [tuple(row) for row in kinds] == [("change_learned", True)]


def test_nobody_is_asked_without_a_register(tmp_path: Path) -> None:
    posting = Posting(None, "http://office.test", "")
    assert app.register_of(Settings()) is None
    found = app.register_of(Settings(data=tmp_path, register=named(tmp_path, "https://register.example")))
    assert isinstance(found, WebRegister)
    assert (found.url, found.application_id) == ("https://register.example/4/num", ID)
    assert found.tls is True
    assert len(sweeps(posting, found)) == len(sweeps(posting)) + 1


@pytest.mark.rule("T6-5")
async def test_check_says_who_was_not_looked_up(accepted: Conn, tmp_path: Path) -> None:
    production, url = Settings(environment="production"), "https://register.example"
    settings = Settings(data=tmp_path, register=named(tmp_path, url))
    assert await check_duties.register(Settings(), accepted, NOW) == []
    assert [fault.about for fault in await check_duties.register(production, accepted, NOW)] == ["register"]
    assert await check_duties.register(settings, accepted, NOW + timedelta(days=2)) == []
    [late] = await check_duties.register(settings, accepted, NOW + timedelta(days=2, seconds=1))
    assert late.what == "1 customers were not looked up for two days"
    assert [fault.about for fault in await check_machine.files(settings, accepted, NOW)] == ["files"]
    (tmp_path / "register-id").chmod(0o600)
    assert await check_machine.files(settings, accepted, NOW) == []
