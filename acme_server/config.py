"""Settings: one TOML file, each key overridable by `KEIYAKU_SECTION__KEY`, read once at start (design §3).

A relative path lies in the `data` folder. Secrets stand in files that settings name, or in the environment.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from acme_server.config_production import PRODUCTION_DEFAULTS, production_faults
from acme_server.config_sections import (
    Acme,
    Ca,
    Ct,
    Database,
    Dns,
    Evidence,
    Keys,
    Limited,
    Lint,
    Log,
    Mail,
    Management,
    Metrics,
    Mpic,
    Office,
    Pkcs11,
    Register,
    Signer,
    Status,
    Validation,
)
from acme_server.config_source import (
    Address,
    Fault,
    Given,
    Section,
    SettingsRefused,
    Url,
    convert,
    from_environment,
    from_file,
    known_keys,
    variable_of,
)
from acme_server.config_unfit import unfit

__all__ = ["Address", "Fault", "Settings", "SettingsRefused", "Url", "load"]


class Settings(Section, frozen=True, kw_only=True):
    """All settings. The defaults are development's; PRODUCTION_DEFAULTS are the other ones."""

    environment: Literal["development", "production"] = "development"
    data: Path = Path("keiyaku-data")
    acme: Acme = Acme()
    office: Office = Office()
    status: Status = Status()
    management: Management = Management()
    database: Database = Database()
    dns: Dns = Dns()
    validation: Validation = Validation()
    mpic: Mpic = Mpic()
    mail: Mail = Mail()
    register: Register = Register()
    ca: Ca = Ca()
    keys: Keys = Keys()
    pkcs11: Pkcs11 = Pkcs11()
    ct: Ct = Ct()
    lint: Lint = Lint()
    signer: Signer = Signer()
    evidence: Evidence = Evidence()
    log: Log = Log()
    metrics: Metrics = Metrics()
    limits: Limited = Limited()


class Limit(NamedTuple):
    """The least and the greatest value of a key, as a settings file writes them."""

    least: str | int
    greatest: str | int


LIMITS: Mapping[str, Limit] = {
    "acme.order_lifetime": Limit("1m", "30d"),
    "acme.authorization_lifetime": Limit("1m", "90d"),
    "acme.nonce_lifetime": Limit("10s", "1d"),
    "acme.processing_deadline": Limit("1s", "60s"),  # T0-2
    "acme.inline_wait": Limit("0ms", "10s"),
    "acme.max_body_bytes": Limit(1024, 1024 * 1024),
    "acme.slow_client_timeout": Limit("1s", "5m"),
    "acme.max_connections": Limit(1, 100_000),
    "limits.pause_failures": Limit(0, 1_000_000),
    "limits.pause_span": Limit("0s", "365d"),
    "validation.http_port": Limit(1, 65535),
    "validation.tls_port": Limit(1, 65535),
    "validation.timeout": Limit("100ms", "60s"),
    "validation.attempts": Limit(1, 10),
    "mpic.timeout": Limit("1s", "120s"),
    "mail.per_minute": Limit(1, 10_000),
    "ct.log_timeout": Limit("100ms", "8s"),
    "ct.patience": Limit("10ms", "8s"),
    "ct.list_age": Limit("1d", "70d"),
    "lint.processes": Limit(0, 64),
    "lint.timeout": Limit("1s", "60s"),
}


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of the file (none: defaults) and of the variables, which win. Raises SettingsRefused."""
    keys = known_keys(Settings)
    filed, faults = from_file(path, keys) if path else ({}, [])
    varied, more = from_environment(environ, keys)
    given = filed | varied
    values, wrong = converted(given, keys)
    if faults or more or wrong:
        raise SettingsRefused([*faults, *more, *wrong])
    settings = build(values)
    if found := [*unfit(settings), *(production_faults(settings) if settings.environment == "production" else ())]:
        raise SettingsRefused(Fault(where(key, given), key, reason) for key, reason in found)
    return settings


def where(key: str, given: Mapping[str, Given]) -> str:
    """File and line or variable that gave `key`; for a key left out, that its default counts."""
    return given[key].where if key in given else f"default of {variable_of(key)}"


def origin(key: str, path: Path | None, environ: Mapping[str, str]) -> str:
    """Where the value of `key` stands, of settings that `load` took from the same file and variables."""
    keys = known_keys(Settings)
    return where(key, (from_file(path, keys)[0] if path else {}) | from_environment(environ, keys)[0])


def converted(given: Mapping[str, Given], keys: Mapping[str, Any]) -> tuple[dict[str, object], list[Fault]]:
    """Values by key, of their types and within their limits; and what is not."""
    values: dict[str, object] = {}
    faults: list[Fault] = []
    for key, one in given.items():
        try:
            values[key] = within(key, convert(keys[key], one.raw), keys[key])
        except ValueError as error:
            faults.append(Fault(one.where, key, str(error)))
    return values, faults


def within(key: str, value: Any, kind: Any) -> object:
    """`value`, if it keeps the limits of `key`. Raises ValueError."""
    if limit := LIMITS.get(key):
        least, greatest = convert(kind, limit.least), convert(kind, limit.greatest)
        if not least <= value <= greatest:
            raise ValueError(f"must be between {limit.least} and {limit.greatest}")
    return value


def build(values: Mapping[str, object]) -> Settings:
    """Settings of `values`, of the defaults of their environment, and with every path absolute."""
    if values.get("environment") == "production":
        values = {**PRODUCTION_DEFAULTS, **values}
    settings = Settings()
    parts: dict[str, Any] = {key: value for key, value in values.items() if "." not in key}
    data: Path = parts.get("data", settings.data).absolute()
    for field in msgspec.structs.fields(Settings):
        if isinstance(section := getattr(settings, field.name), Section):
            chosen = {k.partition(".")[2]: v for k, v in values.items() if k.startswith(field.name + ".")}
            parts[field.name] = rooted(msgspec.structs.replace(section, **chosen), data)
    return msgspec.structs.replace(settings, **{**parts, "data": data})


def rooted(section: Section, data: Path) -> Section:
    """The section with its relative paths inside `data`."""
    paths = {k: data / v for k, v in msgspec.structs.asdict(section).items() if isinstance(v, Path)}
    return msgspec.structs.replace(section, **paths)
