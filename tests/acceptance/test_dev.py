"""`keiyaku dev` itself: what it printed, who is bound to what, and that nothing of it is left (see dev.running)."""

from pathlib import Path

import pytest
from acme import messages

from office.use_cases.demo import DEMO, OVERDUE
from tests.acceptance.clients import run
from tests.acceptance.dev import BIN, Dev, running
from tests.acceptance.library import connected, new_key, registered, registration


def test_the_greeting_and_the_contracts_of_the_demo(dev: Dev) -> None:
    assert dev.directory == dev.url("acme", "/directory")
    assert dev.fetch(dev.url("acme", "/dir")) == dev.fetch(dev.directory)
    assert (dev.key[0], dev.overdue_key[0]) == (DEMO, OVERDUE)
    assert len(dev.commands) == 2
    handles = {row["handle"] for row in dev.keiyaku_json("contract list")}
    assert {DEMO, OVERDUE} <= handles


def test_commands_run_beside_it_as_programs(dev: Dev, tmp_path: Path) -> None:
    done = run([BIN / "keiyaku", "gate", "explain", "--contract", OVERDUE], tmp_path, **dev.settings)
    assert done.returncode == 0, done.stdout
    assert "T8-15" in done.stdout


def test_accounts_need_a_binding_key_when_settings_say_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bound")
    with running(folder / "data", KEIYAKU_ACME__REQUIRE_BINDING="true") as strict:
        client = connected(strict, new_key("ES256"), "ES256")
        assert client.external_account_required()
        with pytest.raises(messages.Error) as refused:
            client.new_account(registration(client, None))
        assert refused.value.code == "externalAccountRequired"
        assert registered(strict, binding=strict.key).net.account.uri


def test_a_second_one_on_the_same_address_is_refused(dev: Dev, tmp_path: Path) -> None:
    """Both share their addresses among their own processes: the system would mix them (SO_REUSEPORT)."""
    done = run([BIN / "keiyaku", "dev"], tmp_path, **dev.settings | {"KEIYAKU_DATA": str(tmp_path / "data")})
    assert done.returncode == 1
    assert f"acme.listen 127.0.0.1:{dev.ports['acme']}: Address already in use" in done.stdout
    assert "KEIYAKU_ACME__LISTEN" in done.stdout
