"""certbot against the running server: the commands as printed, and the life of a certificate."""

import html
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acme_server.edge.problems import ANSWERS
from contract_gate.decision import Case, Gate
from office.edge import answers
from tests.acceptance.clients import leaf, names_of, run
from tests.acceptance.conftest import NewCertbot
from tests.acceptance.dev import Dev

PERFORMED = "http-01 challenge for"


def test_the_printed_command_works_as_pasted(dev: Dev, tmp_path: Path) -> None:
    done = run(["bash", "-c", dev.commands[0]], tmp_path)
    assert done.returncode == 0, done.stdout
    assert "Successfully received certificate" in done.stdout
    [chain] = dev.data.glob("certbot/config/live/*/fullchain.pem")
    assert names_of(leaf(chain)) == {"www.demo.test"}
    assert list(tmp_path.iterdir()) == []  # it leaves nothing where it was pasted


@pytest.mark.rule("T0-1", "T8-15")
def test_the_printed_overdue_command_is_refused_and_says_why_and_where(dev: Dev, tmp_path: Path) -> None:
    done = run(["bash", "-c", dev.commands[1]], tmp_path)
    assert done.returncode == 1
    page = re.search(rf"{dev.url('office', '/help/')}[\w-]+", done.stdout)
    assert page is not None, done.stdout
    assert ANSWERS[Gate.G6, Case.OVERDUE].detail.format(help=page[0]) in done.stdout.splitlines()

    shown = html.unescape(dev.fetch(page[0]).decode())
    for text in (answers.PAYMENT.title_ja, answers.PAYMENT.advice_ja, answers.PAYMENT.title_en,
                 answers.PAYMENT.advice_en):  # fmt: skip
        assert text in shown
    assert "DEMO-1" not in shown  # no name, amount or number of the contract


def test_renewal_by_http_reuses_the_authorization(dev: Dev, certbot: NewCertbot) -> None:
    client = certbot(dev.key)
    first = client.issued("renew.demo.test")
    assert PERFORMED in client.log()
    assert first.not_valid_after_utc > datetime.now(UTC)
    assert "not yet due" in client.succeeds("renew").lower()

    client.succeeds("renew", "--force-renewal", "--no-random-sleep-on-renew")
    second = leaf(client.live("renew.demo.test") / "cert.pem")
    assert second.serial_number != first.serial_number
    assert PERFORMED not in client.log()


def test_names_and_a_wildcard_by_dns(dev: Dev, certbot: NewCertbot) -> None:
    """The hook is the line that the stub resolver's documentation gives."""
    client = certbot(dev.key)
    records = dev.data / "dev-dns.txt"
    hook = f'echo "_acme-challenge.$CERTBOT_DOMAIN TXT \\"$CERTBOT_VALIDATION\\"" >> {records}'
    client.succeeds(
        "certonly", "--manual", "--preferred-challenges", "dns", "--manual-auth-hook", hook,
        "--manual-cleanup-hook", f"rm -f {records}", "-d", "dns.demo.test", "-d", "*.dns.demo.test",
        *client.account,
    )  # fmt: skip
    assert names_of(leaf(client.live("dns.demo.test") / "cert.pem")) == {"dns.demo.test", "*.dns.demo.test"}
    assert not records.exists()


def test_a_name_that_nobody_proves_gets_nothing(dev: Dev, certbot: NewCertbot) -> None:
    client = certbot(dev.key)
    done = client("certonly", "--manual", "--preferred-challenges", "dns", "--manual-auth-hook", "true",
                  "-d", "unproven.demo.test", *client.account)  # fmt: skip
    assert done.returncode == 1
    assert "unproven.demo.test" in done.stdout
    assert not client.live("unproven.demo.test").exists()


def test_revocation_by_the_account_and_by_the_key_of_the_certificate(dev: Dev, certbot: NewCertbot) -> None:
    client, stranger = certbot(dev.key), certbot(None)
    first, second = client.issued("revoke.demo.test"), client.issued("revoke-key.demo.test")
    assert [dev.status_of(each)["Status"] for each in (first, second)] == ["Valid", "Valid"]

    path = str(client.live("revoke.demo.test") / "cert.pem")
    stranger.succeeds("register", *stranger.account)
    assert stranger("revoke", "--cert-path", path).returncode == 1
    client.succeeds("revoke", "--cert-path", path, "--reason", "superseded", "--no-delete-after-revoke")
    found = dev.status_of(first)
    assert (found["Status"], found["Reason"]) == ("Revoked", 4)

    live = client.live("revoke-key.demo.test")
    with_key = ["--key-path", str(live / "privkey.pem"), "--reason", "keycompromise", "--no-delete-after-revoke"]
    stranger.succeeds("revoke", "--cert-path", str(live / "cert.pem"), *with_key)
    found = dev.status_of(second)
    assert (found["Status"], found["Reason"]) == ("Revoked", 1)


def test_an_unregistered_account_is_gone(dev: Dev, certbot: NewCertbot) -> None:
    client = certbot(dev.key)
    client.succeeds("register", *client.account)
    [kept] = (client.folder / "config" / "accounts").rglob("private_key.json")
    account = kept.parent
    before = {file.name: file.read_bytes() for file in account.iterdir()}
    client.succeeds("unregister")

    account.mkdir(parents=True, exist_ok=True)  # the account from a backup
    for name, content in before.items():
        (account / name).write_bytes(content)
    done = client.issue("gone.demo.test")
    assert done.returncode == 1
    assert "deactivated" in (done.stdout + client.log()).lower()
