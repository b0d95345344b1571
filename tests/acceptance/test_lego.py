"""lego against the running server, with the binary that Debian has."""

from pathlib import Path

from acme_server.edge.problems import ANSWERS
from contract_gate.decision import Case, Gate
from tests.acceptance.clients import Lego, leaf, names_of
from tests.acceptance.dev import Dev


def test_the_life_of_a_certificate_by_http(dev: Dev, tmp_path: Path) -> None:
    client, name = Lego(dev, tmp_path / "lego", dev.key), "lego.demo.test"
    assert "use http-01 solver" in client.succeeds(name, "run")
    first = leaf(client.file(name))
    assert names_of(first) == {name}

    assert "authorization already valid" in client.succeeds(name, "renew", "--days", "400", "--no-random-sleep")
    second = leaf(client.file(name))
    assert second.serial_number != first.serial_number
    assert f"Domains: {name}" in client.succeeds(name, "list")

    client.succeeds(name, "revoke", "--reason", "4")
    found = dev.status_of(second)
    assert (found["Status"], found["Reason"]) == ("Revoked", 4)
    assert dev.status_of(first)["Status"] == "Valid"


def test_a_certificate_by_tls_alpn(dev: Dev, tmp_path: Path) -> None:
    client = Lego(dev, tmp_path / "lego", dev.key)
    assert "use tls-alpn-01 solver" in client.succeeds("tls.demo.test", "run", challenge="tls")
    assert names_of(leaf(client.file("tls.demo.test"))) == {"tls.demo.test"}


def test_a_refusal_is_printed_whole(dev: Dev, tmp_path: Path) -> None:
    client = Lego(dev, tmp_path / "lego", dev.overdue_key)
    done = client("www.overdue.test", "run")
    assert done.returncode == 1
    sentence, _, _ = ANSWERS[Gate.G6, Case.OVERDUE].detail.partition("{help}")
    assert f"{sentence}{dev.url('office', '/help/')}" in done.stdout
    assert "userActionRequired" in done.stdout


def test_a_wrong_hmac_key_is_refused_where_the_right_one_is_not(dev: Dev, tmp_path: Path) -> None:
    kid, _ = dev.key
    wrong = Lego(dev, tmp_path / "wrong", (kid, dev.overdue_key[1]))
    assert "unauthorized" in wrong("eab.demo.test", "run").stdout
    assert not wrong.file("eab.demo.test").exists()
    right = Lego(dev, tmp_path / "right", dev.key)
    right.succeeds("eab.demo.test", "run")
