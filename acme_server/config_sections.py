"""What can be set, by section: names, types, and the defaults of development (design §3)."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from acme_server.config_source import Address, Rate, Section, Url

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
    caa_reports: bool = False  # owners of domains are told when their CAA records forbid a certificate


class Mpic(Section, frozen=True, kw_only=True):
    """Corroboration from other places of the network, by a coordinator of Open MPIC (BR §3.2.2.9)."""

    url: Url | None = None  # none: only this place looks
    key_file: Path | None = None  # the secret that the coordinator knows us by
    timeout: timedelta = timedelta(seconds=30)
    primary: str = ""  # where this CA looks from: "tokyo APNIC 35.68 139.69"
    perspectives: tuple[str, ...] = ()  # those the coordinator may ask: code, registry, latitude, longitude


class Mail(Section, frozen=True, kw_only=True):
    """Notices by e-mail, and how those on the web are looked at (Article 5)."""

    server: Address | None = None  # who takes letters
    folder: Path | None = Path("mail")  # where letters become files when there is no server; without either they wait
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
    profiles: tuple[str, ...] = ("tlsserver", "shortlived")  # an order that asks for none gets the first


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
    log_list_signature: Path | None = None
    log_list_url: Url | None = None
    log_list_signature_url: Url | None = None
    log_list_key: Path | None = None  # whose signature the list must have, RSA in PEM
    log_timeout: timedelta = timedelta(seconds=5)  # for a log's answer
    patience: timedelta = timedelta(seconds=1)  # when none has answered for so long, another log is asked too
    list_age: timedelta = timedelta(days=14)  # an older list is a fault of the deployment


# What pkilint rightly says of the demo: its names end in .test, its addresses are loopback, its CRLs are at localhost.
OF_THE_DEMO = ("cabf.internal_domain_name", "cabf.internal_ip_address", "pkix.invalid_uri_syntax")


class Lint(Section, frozen=True, kw_only=True):
    """pkilint, asked by the signer before any key is."""

    processes: int = 0  # 0: nobody is asked
    ignored: tuple[str, ...] = OF_THE_DEMO  # codes of findings that forbid nothing
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
