"""The deployment files: they parse, name commands, settings and files there are, and keep processes apart."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import yaml

from acme_server.__main__ import main
from acme_server.config import Settings, load
from acme_server.config_sections import Role
from tests.architecture.ids import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "keiyaku"}
HAPROXY = (ROOT / "deploy/haproxy/haproxy.cfg").read_text(encoding="utf-8")
UNBOUND = (ROOT / "deploy/unbound/unbound.conf").read_text(encoding="utf-8")
SCRIPTS = ("deploy/make-secrets", "deploy/postgres/10-roles.sh", ".ci/run")


def settings_of(service: str) -> Settings:
    return load(None, {name: str(value) for name, value in OURS[service]["environment"].items()})


@pytest.mark.parametrize("service", OURS)
def test_command_of_a_service_exists(service: str) -> None:
    """Parsed by the program itself, groups included; nothing runs."""
    command: click.Command = main
    words = list(OURS[service]["command"])
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None
        command = found
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("KEIYAKU_")]:
            patch.delenv(name)
        assert command.make_context(service, words).params.keys() == {p.name for p in command.params}


@pytest.mark.parametrize("service", OURS)
def test_settings_of_a_service_are_fit_for_production(service: str) -> None:
    settings = settings_of(service)
    assert settings.environment == "production"
    assert "{role}" in settings.database.url


def test_each_kind_of_process_has_the_password_of_its_own_role_only() -> None:
    given = {name: list(service["secrets"]) for name, service in OURS.items()}
    assert given.pop("migrate") == ["pgpass_owner"]
    assert given.pop("check") == ["pgpass_operator"]
    for looks in ("acme", "work"):  # they ask other places of the network
        given[looks].remove("mpic_key")
    for reads in ("office", "operator"):  # they keep documents of applications
        given[reads].remove("documents_key")
    assert given == {
        name: [f"pgpass_{name}"]
        for name in ("acme", "work", "sign", "office", "status", "operator", "compliance", "auditor")
    }
    for name, service in OURS.items():
        assert service["environment"]["PGPASSFILE"] == f"/run/secrets/{service['secrets'][0]}", name


def test_only_the_signer_has_the_keys_and_only_processes_that_look_share_the_resolver() -> None:
    holders = [
        name for name, service in SERVICES.items() if any(v.startswith("ca:") for v in service.get("volumes", []))
    ]
    looking = [name for name, service in SERVICES.items() if service.get("network_mode") == "service:unbound"]
    assert holders == ["sign"]
    assert looking == ["acme", "work"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_clients_are_where_the_proxy_says_and_nobody_else() -> None:
    """What is trusted to name a client's address is the network that the proxy shares with the services (A-057)."""
    (inside,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    assert settings_of("acme").acme.trusted_proxies == (inside["subnet"],)
    assert "inside" in SERVICES["proxy"]["networks"]
    assert "http-request set-header X-Forwarded-For %[src]" in HAPROXY


def test_every_role_of_the_database_gets_one_password(tmp_path: Path) -> None:
    script = (ROOT / "deploy/make-secrets").read_text(encoding="utf-8").replace("chown", "true chown")
    (tmp_path / "make-secrets").write_text(script, encoding="utf-8")
    for _ in range(2):  # the second run keeps what is there
        subprocess.run(["bash", tmp_path / "make-secrets"], check=True)
    files = {
        path.name: path.read_text(encoding="utf-8").splitlines() for path in (tmp_path / "secrets").glob("pgpass_*")
    }
    assert set(files) == {name for name in COMPOSE["secrets"] if name.startswith("pgpass_")}
    made = (tmp_path / "secrets" / "role_passwords").read_text(encoding="utf-8").splitlines()
    ours = {line.split(":", 3)[3] for lines in files.values() for line in lines if ":keiyaku_" in line}
    assert made == sorted(ours)
    passwords: dict[str, set[str]] = {}
    for line in [line for lines in files.values() for line in lines]:
        role, password = line.split(":")[3:]
        passwords.setdefault(role.removeprefix("keiyaku_"), set()).add(password)
    assert passwords.keys() == {*get_args(Role), "postgres"}
    assert all(len(each) == 1 for each in passwords.values())
    assert {line.split(":")[3] for line in files["pgpass_compliance"]} == {"keiyaku_compliance", "keiyaku_operator"}
    assert {line.split(":")[3] for line in files["pgpass_operator"]} == {"keiyaku_operator"}
    assert {line.split(":")[3] for line in files["pgpass_office"]} == {"keiyaku_office", "keiyaku_compliance"}
    assert {line.split(":")[3] for line in files["pgpass_work"]} == {"keiyaku_work", "keiyaku_seal", "keiyaku_office"}


def test_everything_named_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
        assert set(service.get("depends_on", {})) <= SERVICES.keys()
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"], volume
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert {service["build"]["target"] for service in SERVICES.values() if "build" in service} == stages


def test_what_the_image_copies_is_there_and_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(source == part or source.startswith(f"{part}/") for part in let_in), source


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_bash_and_may_run(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o100
    assert subprocess.run(["bash", "-n", ROOT / script], check=False).returncode == 0


@pytest.mark.std("A-001", "A-002")
def test_the_proxy_serves_acme_over_tls_1_2_or_later_only() -> None:
    sections = dict(re.findall(r"^(\w.*)\n((?:[ \t].*\n|\n)*)", HAPROXY, re.MULTILINE))
    assert "ssl-min-ver TLSv1.2" in sections["global"]
    assert "bind :8443 ssl " in sections["frontend tls"]
    assert "use_backend acme " in sections["frontend tls"]
    assert "acme" not in sections["frontend plain"]


def test_the_proxy_sends_each_name_to_the_service_that_listens_there() -> None:
    settings = settings_of("acme")
    for kind, part in (("acme", settings.acme), ("office", settings.office), ("status", settings.status)):
        assert (
            f"use_backend {kind} if {{ req.hdr(host),field(1,:),lower -m str {part.base_url.split('//')[1]} }}"
            in HAPROXY
        )
        assert f"server {kind} {kind}:{part.listen.port} " in HAPROXY
        assert kind in SERVICES
    backends = set(re.findall(r"^backend (\w+)$", HAPROXY, re.MULTILINE))
    assert backends == set(re.findall(r"(?:use|default)_backend (\w+)", HAPROXY))


def test_unbound_validates_and_answers_loopback_only() -> None:
    lines = [line.strip() for line in UNBOUND.splitlines() if line.strip() and not line.strip().startswith("#")]
    assert lines.pop(0) == "server:"
    pairs = [re.fullmatch(r'([a-z-]+): (?:"([^"]*)"|(\S+(?: \w+)?))', line) for line in lines]
    assert None not in pairs
    options = {pair[1]: pair[2] if pair[2] is not None else pair[3] for pair in pairs if pair}
    wanted = {
        "interface": "127.0.0.1",
        "module-config": "validator iterator",
        "val-permissive-mode": "no",
        "use-caps-for-id": "yes",
        "serve-expired": "no",
    }
    assert wanted.items() <= options.items()
    assert str(settings_of("acme").dns.resolver) == f"{options['interface']}:{options['port']}"
