"""Settings: one TOML file, each key overridable by `KEIYAKU_SECTION__KEY`, read once at start (design §3).

A relative path lies in the `data` folder. Secrets stand in files that settings name, or in the environment.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from acme_server.config_production import PRODUCTION_DEFAULTS, production_faults
from acme_server.config_source import (
    Address,
    Fault,
    Given,
    Rate,
    Section,
    SettingsRefused,
    Url,
    convert,
    from_environment,
    from_file,
    known_keys,
    variable_of,
)

__all__ = ["Address", "Fault", "Settings", "SettingsRefused", "Url", "load"]

MAX_ISSUERS = 10
FOR_WILDCARDS, FOR_ADDRESSES = ("dns-01", "dns-account-01", "dns-persist-01"), ("http-01", "tls-alpn-01")
ISSUER = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")

Role = Literal["acme", "office", "status", "work", "sign", "seal", "operator", "compliance", "auditor"]


class Acme(Section, frozen=True, kw_only=True):
    """The door for machines."""

    base_url: Url = Url("https://localhost:14000")
    listen: Address = Address("127.0.0.1", 14000)
    tls_certificate: Path | None = None  # None: `dev` makes one, a proxy in front has one
    tls_key: Path | None = None
    website: Url | None = None
    terms_url: Url | None = None
    caa_identities: tuple[str, ...] = ("ca.keiyaku.test",)
    require_binding: bool = False
    default_binding_kid: str = "dev-default"  # whose contract accounts without a binding fall to, when not required
    order_lifetime: timedelta = timedelta(days=7)
    authorization_lifetime: timedelta = timedelta(days=30)  # how long validation evidence may be used again
    challenges: tuple[str, ...] = ("http-01", "dns-01", "tls-alpn-01")  # what clients may choose from
    subdomain_authorizations: bool = False  # one proof by DNS for a domain and all below it (RFC 9444)
    nonce_lifetime: timedelta = timedelta(hours=1)
    processing_deadline: timedelta = timedelta(seconds=60)  # T0-2
    inline_wait: timedelta = timedelta(milliseconds=200)
    max_body_bytes: int = 64 * 1024
    slow_client_timeout: timedelta = timedelta(seconds=10)  # of every listener: to send a request, to take an answer
    trusted_proxies: tuple[str, ...] = ()  # networks whose X-Forwarded-For says where a client is
    max_connections: int = 1000  # at once, for each listener of each process; one more is closed


class Limited(Section, frozen=True, kw_only=True):
    """How often something may happen, such as 300/3h: a number at once, which comes back evenly over the span."""

    new_accounts: Rate = Rate(10_000, timedelta(hours=1))  # of a network address
    orders_of_account: Rate = Rate(1_000_000, timedelta(hours=1))
    orders_of_contract: Rate = Rate(1_000_000, timedelta(hours=1))
    orders_of_names: Rate = Rate(1_000_000, timedelta(hours=1))  # of a contract, for exactly the same names
    failed_validations: Rate = Rate(1000, timedelta(hours=1))  # of a name, by an account
    pause_failures: int = 10_000  # of a name by an account, in a row; 0: nobody is paused
    pause_span: timedelta = timedelta(days=3)  # and over so long


class Office(Section, frozen=True, kw_only=True):
    """The door for people; help pages of refusals are below its base_url (T0-1)."""

    base_url: Url = Url("http://localhost:14001")
    listen: Address = Address("127.0.0.1", 14001)
    documents_key_file: Path = Path("office.key")  # 32 octets; documents of applications are encrypted under it (T4-7)


class Status(Section, frozen=True, kw_only=True):
    """CRLs, OCSP, chains: plain http."""

    base_url: Url = Url("http://localhost:14002")
    listen: Address = Address("127.0.0.1", 14002)
    nonces: Rate = Rate(50, timedelta(seconds=1))  # OCSP answers of this process that are signed for one asker alone
    publish_directory: Path | None = None  # CRLs, certificates and chains are put here too, for others to serve
    publish_bucket: Url | None = None  # and here: endpoint and name of an S3-compatible bucket
    publish_region: str = "us-east-1"
    publish_key_file: Path | None = None  # of the bucket: a line with the access key's id, a line with its secret


class Management(Section, frozen=True, kw_only=True):
    """Pebble's management paths."""

    listen: Address | None = Address("127.0.0.1", 15000)  # "": off


class Database(Section, frozen=True, kw_only=True):
    """PostgreSQL: our own, or that of `url`, in which `{role}` stands for the name of each process kind's role."""

    embedded: bool = True
    url: str = ""

    def url_of(self, role: Role) -> str:
        """Address of the database as the role of one kind of process: `keiyaku_acme`, `keiyaku_sign`…"""
        return self.url.replace("{role}", f"keiyaku_{role}")


class Dns(Section, frozen=True, kw_only=True):
    """Who answers for names that are validated."""

    resolver: Address | Literal["stub"] = "stub"  # stub: 127.0.0.1 for every name


class Validation(Section, frozen=True, kw_only=True):
    """How control over a name is looked for."""

    mode: Literal["real", "always_valid"] = "real"
    http_port: int = 5002
    tls_port: int = 5001
    allow_private: bool = True
    timeout: timedelta = timedelta(seconds=10)
    attempts: int = 3
    persist_needs_dnssec: bool = True  # dns-persist-01 proves nothing in a zone that is not signed


class Mail(Section, frozen=True, kw_only=True):
    """Notices by e-mail, and how those on the web are looked at (Article 5)."""

    server: Address | None = None  # who takes letters; none: they wait
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_file: Path | None = None
    sender: str = "notices@ca.keiyaku.test"
    officers: str = ""  # where the CA's own people are told
    own_relay: bool = False  # the CA runs the server itself: what it accepts is not delivered yet (T5-3)
    per_minute: int = 60
    proxy: Url | None = None  # a host outside, through which postings are looked at (T5-4)


class Register(Section, frozen=True, kw_only=True):
    """The corporate-number register (法人番号 Web-API); the worker asks about every customer once a day (T6-5)."""

    url: Url | None = None  # none: nobody is looked up
    id_file: Path | None = None  # the application id that the register gave out


class Ca(Section, frozen=True, kw_only=True):
    """Keys and what they sign."""

    folder: Path = Path("ca")
    keys: Literal["file", "pkcs11"] = "file"
    passphrase_file: Path = Path("ca/passphrase")
    profiles: tuple[str, ...] = ("tlsserver", "shortlived")


class Keys(Section, frozen=True, kw_only=True):
    """Keys that nobody may use."""

    blocklist: Path | None = None  # in the format of badkeys (C-073)


class Pkcs11(Section, frozen=True, kw_only=True):
    """The token with the issuing CA's key. The root's token is named to the ceremony alone, never here."""

    module: Path | None = None
    token: str = ""  # its label
    pin_file: Path = Path("ca/pin")


class Ct(Section, frozen=True, kw_only=True):
    """Certificate Transparency. The list of logs is in the format of Google's log_list.json, version 3."""

    required: bool = False  # every certificate holds SCTs
    log_list: Path | None = None  # a file; it counts before log_list_url
    log_list_url: Url | None = None
    log_timeout: timedelta = timedelta(seconds=5)  # for a log's answer
    patience: timedelta = timedelta(seconds=1)  # when none has answered for so long, another log is asked too
    list_age: timedelta = timedelta(days=14)  # an older list is a fault of the deployment


class Lint(Section, frozen=True, kw_only=True):
    """pkilint, asked by the signer before any key is."""

    processes: int = 0  # 0: nobody is asked
    ignored: tuple[str, ...] = ()  # codes of findings that forbid nothing
    timeout: timedelta = timedelta(seconds=10)


class Signer(Section, frozen=True, kw_only=True):
    """The process that holds the keys."""

    socket: Path = Path("signer.sock")
    ocsp_socket: Path = Path("ocsp.sock")


class Evidence(Section, frozen=True, kw_only=True):
    """The sealer's key, which no database role can read, and its checkpoints outside the database (design §6)."""

    key_file: Path = Path("evidence.key")
    checkpoint_file: Path = Path("checkpoints.jsonl")


class Log(Section, frozen=True, kw_only=True):
    """Lines on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "readable"] = "readable"
    requests: bool = False  # a line for each request, at info


class Metrics(Section, frozen=True, kw_only=True):
    """Prometheus."""

    listen: Address | None = None  # "": off
    folder: Path = Path("metrics")  # where processes that are counted together write


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


def unfit(settings: Settings) -> list[tuple[str, str]]:
    """Keys that contradict each other, with the reason."""
    found = []
    if (settings.acme.tls_certificate is None) != (settings.acme.tls_key is None):
        found.append(
            ("acme.tls_certificate", "acme.tls_certificate and acme.tls_key belong together: set both or none")
        )
    if settings.database.embedded and settings.database.url:
        found.append(("database.url", "unused while database.embedded is true: set database.embedded = false"))
    if not settings.database.embedded and not settings.database.url:
        found.append(("database.url", "needed: postgresql://{role}@host/keiyaku, with {role} as it stands"))
    if wrong := [text for text in settings.acme.trusted_proxies if not is_network(text)]:
        found.append(("acme.trusted_proxies", f"{wrong[0]!r} is no network: write 10.0.0.0/8, or one address"))
    if (settings.status.publish_bucket is None) != (settings.status.publish_key_file is None):
        found.append(
            (
                "status.publish_key_file",
                "status.publish_bucket and status.publish_key_file belong together: set both or none",
            )
        )
    if bool(settings.mail.user) != (settings.mail.password_file is not None):
        found.append(("mail.user", "mail.user and mail.password_file belong together: set both or none"))
    if (settings.register.url is None) != (settings.register.id_file is None):
        found.append(("register.url", "register.url and register.id_file belong together: set both or none"))
    if settings.ca.keys == "pkcs11" and settings.pkcs11.module is None:
        found.append(("pkcs11.module", "needed while ca.keys is 'pkcs11': the path of the vendor's library"))
    if settings.ca.keys == "pkcs11" and not settings.pkcs11.token:
        found.append(("pkcs11.token", "needed while ca.keys is 'pkcs11': the label of the issuing CA's token"))
    if settings.ct.required and settings.ct.log_list is None and settings.ct.log_list_url is None:
        found.append(("ct.log_list", "needed while ct.required: name the file of logs, or ct.log_list_url"))
    found.extend(unfit_names(settings.acme))
    if not settings.ca.profiles:
        found.append(("ca.profiles", "name at least one profile"))
    return found


def unfit_names(acme: Acme) -> list[tuple[str, str]]:
    """Challenge types and issuer domain names that cannot be offered (A-236)."""
    found = []
    if unknown := [each for each in acme.challenges if each not in (*FOR_WILDCARDS, *FOR_ADDRESSES)]:
        found.append(("acme.challenges", f"{unknown[0]!r} is none of {', '.join((*FOR_ADDRESSES, *FOR_WILDCARDS))}"))
    for possible, what in ((FOR_WILDCARDS, "wildcards"), (FOR_ADDRESSES, "addresses")):
        if not set(possible) & set(acme.challenges):
            found.append(("acme.challenges", f"keep one of {', '.join(possible)}: nothing else proves {what}"))
    if len(acme.caa_identities) > MAX_ISSUERS or not all(map(ISSUER.fullmatch, acme.caa_identities)):
        found.append(("acme.caa_identities", f"write at most {MAX_ISSUERS} lower-case domain names without a last dot"))
    return found


def is_network(text: str) -> bool:
    """Whether the text is an address or a network."""
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
