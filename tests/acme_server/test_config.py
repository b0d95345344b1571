from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest

from acme_server.config import LIMITS, Address, Settings, SettingsRefused, Url, load
from acme_server.config_production import PRODUCTION_DEFAULTS, REFUSALS
from acme_server.config_source import Rate, convert, known_keys, variable_of

KEYS = known_keys(Settings)
PRODUCTION = """
environment = "production"
data = "/srv/keiyaku"
[acme]
base_url = "https://acme.ca.example"
caa_identities = ["ca.example"]
[office]
base_url = "https://office.ca.example"
[status]
base_url = "http://status.ca.example"
[database]
url = "postgresql://{role}@db/keiyaku"
[dns]
resolver = "127.0.0.1:53"
[pkcs11]
module = "/usr/lib/vendor/libpkcs11.so"
token = "issuing"
[mail]
server = "mail.ca.example:25"
sender = "notices@ca.example"
officers = "officers@ca.example"
[keys]
blocklist = "blocklist.dat"
[ct]
log_list_key = "log_list_pubkey.pem"
[mpic]
url = "https://mpic.ca.example"
key_file = "mpic.key"
primary = "tokyo APNIC 35.68 139.69"
perspectives = ["ohio ARIN 39.96 -83.00", "frankfurt RIPE 50.11 8.68"]
"""


@dataclass(frozen=True)
class File:
    """A settings file to write into."""

    path: Path

    def load(self, text: str, **environ: str) -> Settings:
        self.path.write_text(text)
        return load(self.path, environ)

    def refusal(self, text: str, **environ: str) -> str:
        """What stops the start, without the path of the file."""
        with pytest.raises(SettingsRefused) as refused:
            self.load(text, **environ)
        return str(refused.value).replace(f"{self.path}", "FILE")


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "keiyaku.toml")


def sample(key: str, kind: Any) -> str:
    """A text for `key` that its default does not have."""
    default = value_of(load(None, {}), key)
    if limit := LIMITS.get(key):
        return str(limit.least if convert(kind, limit.least) != default else limit.greatest)
    if get_origin(kind) is Literal:
        return next(str(word) for word in get_args(kind) if word != default)
    if get_origin(kind) in (Union, UnionType):
        kind = get_args(kind)[0]
    if key in LISTS:
        return LISTS[key]
    texts = {
        bool: str(not default).lower(), Address: "192.0.2.7:7", Url: "https://other.example", Path: "/other",
        Rate: "7/7m",
    }  # fmt: skip
    return texts.get(kind, "other")


def value_of(settings: Settings, key: str) -> Any:
    section, _, name = key.rpartition(".")
    return getattr(getattr(settings, section) if section else settings, name)


MPIC = "[mpic]\nurl = 'https://mpic.example'\nkey_file = '/key'\n"
PLACES = {
    "KEIYAKU_MPIC__PRIMARY": "tokyo APNIC 35.68 139.69",
    "KEIYAKU_MPIC__PERSPECTIVES": "ohio ARIN 39.96 -83.00,frankfurt RIPE 50.11 8.68",
}
PRODUCTION_ENVIRON = {
    "KEIYAKU_ACME__BASE_URL": "https://acme.ca.example",
    "KEIYAKU_ACME__CAA_IDENTITIES": "ca.example",
    "KEIYAKU_OFFICE__BASE_URL": "https://office.ca.example",
    "KEIYAKU_STATUS__BASE_URL": "http://status.ca.example",
    "KEIYAKU_DATABASE__URL": "postgresql://{role}@db/keiyaku",
    "KEIYAKU_DNS__RESOLVER": "127.0.0.1:53",
    "KEIYAKU_PKCS11__MODULE": "/module.so",
    "KEIYAKU_PKCS11__TOKEN": "issuing",
    "KEIYAKU_MAIL__SERVER": "127.0.0.1:25",
    "KEIYAKU_MAIL__SENDER": "notices@ca.example",
    "KEIYAKU_MAIL__OFFICERS": "officers@ca.example",
    "KEIYAKU_KEYS__BLOCKLIST": "blocklist.dat",
    "KEIYAKU_CT__LOG_LIST_KEY": "log_list_pubkey.pem",
    "KEIYAKU_MPIC__URL": "https://mpic.ca.example",
    "KEIYAKU_MPIC__KEY_FILE": "mpic.key",
    **PLACES,
}
COMPANIONS = {  # what else must be set for a key to be taken
    "environment": PRODUCTION_ENVIRON,
    "acme.tls_certificate": {"KEIYAKU_ACME__TLS_KEY": "/key"},
    "acme.tls_key": {"KEIYAKU_ACME__TLS_CERTIFICATE": "/certificate"},
    "mail.user": {"KEIYAKU_MAIL__PASSWORD_FILE": "/password"},
    "ca.keys": {"KEIYAKU_PKCS11__MODULE": "/module.so", "KEIYAKU_PKCS11__TOKEN": "issuing"},
    "register.url": {"KEIYAKU_REGISTER__ID_FILE": "/id"},
    "register.id_file": {"KEIYAKU_REGISTER__URL": "https://register.example"},
    "status.publish_bucket": {"KEIYAKU_STATUS__PUBLISH_KEY_FILE": "/key"},
    "status.publish_key_file": {"KEIYAKU_STATUS__PUBLISH_BUCKET": "https://s3.example/status"},
    "mpic.url": {"KEIYAKU_MPIC__KEY_FILE": "/key", **PLACES},
    "mpic.key_file": {"KEIYAKU_MPIC__URL": "https://mpic.example", **PLACES},
    "mail.password_file": {"KEIYAKU_MAIL__USER": "notices"},
    "database.embedded": {"KEIYAKU_DATABASE__URL": "postgresql://x"},
    "database.url": {"KEIYAKU_DATABASE__EMBEDDED": "false"},
    "ct.required": {"KEIYAKU_CT__LOG_LIST": "/logs.json"},
}


LISTS = {
    "acme.trusted_proxies": "192.0.2.0/24",
    "acme.caa_identities": "other.example",
    "acme.challenges": "tls-alpn-01,dns-persist-01",
    "mpic.perspectives": "ohio ARIN 39.96 -83.00,frankfurt RIPE 50.11 8.68",
}


@pytest.mark.parametrize("key", KEYS)
def test_environment_overrides_every_key(key: str) -> None:
    kind, text = KEYS[key], sample(key, KEYS[key])
    environ = {**COMPANIONS.get(key, {}), variable_of(key): text}
    parts = text.split(",")
    expected = (
        parts if get_origin(kind) is tuple else text == "true" if kind is bool else int(text) if kind is int else text
    )
    found = value_of(load(None, environ), key)
    assert found == convert(kind, expected)
    assert found != value_of(load(None, {}), key)


def test_environment_wins_over_the_file(file: File) -> None:
    text = '[acme]\nnonce_lifetime = "5m"\n'
    assert file.load(text).acme.nonce_lifetime == timedelta(minutes=5)
    assert file.load(text, KEIYAKU_ACME__NONCE_LIFETIME="6m").acme.nonce_lifetime == timedelta(minutes=6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("200ms", timedelta(milliseconds=200), id="milliseconds"),
        pytest.param("9s", timedelta(seconds=9), id="seconds"),
        pytest.param("0ms", timedelta(0), id="nothing"),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    assert load(None, {"KEIYAKU_ACME__INLINE_WAIT": text}).acme.inline_wait == expected


def test_defaults_lie_in_the_data_folder() -> None:
    settings = load(None, {"KEIYAKU_DATA": "/srv/k", "KEIYAKU_CA__FOLDER": "/safe"})
    assert settings.evidence.key_file == Path("/srv/k/evidence.key")
    assert settings.signer.socket == Path("/srv/k/signer.sock")
    assert settings.ca.folder == Path("/safe")


def test_each_role_has_its_own_address() -> None:
    environ = {"KEIYAKU_DATABASE__EMBEDDED": "false", "KEIYAKU_DATABASE__URL": "postgresql://{role}@db/k"}
    assert load(None, environ).database.url_of("sign") == "postgresql://keiyaku_sign@db/k"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a = ", "FILE: (file): is not TOML: Invalid value (at end of document)", id="syntax"),
        pytest.param("\n[acme]\nlistn = 'x:1'", "FILE:3: acme.listn: unknown key; did you mean acme.listen?", id="key"),
        pytest.param("listen = 'x:1'", "FILE:1: listen: unknown key; did you mean acme.listen?", id="key elsewhere"),
        pytest.param(
            "[acmee]\nlisten = 'x:1'", "FILE:2: acmee.listen: unknown key; did you mean acme.listen?", id="table"
        ),
        pytest.param("\nqqqqq = 1", "FILE:2: qqqqq: unknown key", id="nothing near"),
        pytest.param("acme = 3", "FILE:1: acme: is a table: write [acme]", id="table as a value"),
        pytest.param(
            "acme = {lisn = 3}", "FILE:1: acme.lisn: unknown key; did you mean acme.listen?", id="inline table"
        ),
        pytest.param("acme.listen = 3", "FILE:1: acme.listen: expected a text, not 3", id="dotted"),
        pytest.param(
            "['acme']\n\"listen\" = 'x'",
            "FILE:2: acme.listen: expected host:port such as '127.0.0.1:14000', not 'x'",
            id="address, quoted keys",
        ),
        pytest.param(
            "[acme]\nlisten = '[::1]:65536'",
            "FILE:2: acme.listen: expected host:port such as '127.0.0.1:14000', not '[::1]:65536'",
            id="port",
        ),
        pytest.param(
            "[acme]\nrequire_binding = 'yes'",
            "FILE:2: acme.require_binding: expected true or false, not 'yes'",
            id="bool",
        ),
        pytest.param(
            "[acme]\nmax_body_bytes = true", "FILE:2: acme.max_body_bytes: expected a whole number, not True", id="int"
        ),
        pytest.param(
            "[acme]\nmax_body_bytes = 1",
            "FILE:2: acme.max_body_bytes: must be between 1024 and 1048576",
            id="limit of a number",
        ),
        pytest.param(
            "[acme]\nnonce_lifetime = '5 m'",
            "FILE:2: acme.nonce_lifetime: expected a duration such as '30s', '10m', '200ms' or '30d', not '5 m'",
            id="duration",
        ),
        pytest.param(
            "[acme]\nprocessing_deadline = '61s'",
            "FILE:2: acme.processing_deadline: must be between 1s and 60s",
            id="T0-2",
            marks=pytest.mark.rule("T0-2"),
        ),
        pytest.param(
            "[acme]\ncaa_identities = 'a.b'",
            "FILE:2: acme.caa_identities: expected a list of texts, not 'a.b'",
            id="list",
        ),
        pytest.param(
            "[acme]\nbase_url = 'acme.example'",
            "FILE:2: acme.base_url: expected a URL such as 'https://acme.example.jp', not 'acme.example'",
            id="url",
        ),
        pytest.param(
            "[acme]\nbase_url = 'https://a.example/'",
            "FILE:2: acme.base_url: expected no slash at the end of 'https://a.example/'",
            id="slash",
        ),
        pytest.param("data = ''", "FILE:1: data: expected a path, not an empty text", id="path"),
        pytest.param(
            "[acme]\nchallenges = ['http-01', 'dns-01', 'dns-02']",
            "FILE:2: acme.challenges: 'dns-02' is none of http-01, tls-alpn-01, dns-01, dns-account-01, dns-persist-01",
            id="C-017 no other method",
        ),
        pytest.param(
            "[acme]\nchallenges = ['http-01']",
            "FILE:2: acme.challenges: keep one of dns-01, dns-account-01, dns-persist-01: "
            "nothing else proves wildcards",
            id="no challenge for wildcards",
        ),
        pytest.param(
            "[acme]\nchallenges = ['dns-01']",
            "FILE:2: acme.challenges: keep one of http-01, tls-alpn-01: nothing else proves addresses",
            id="no challenge for addresses",
        ),
        pytest.param(
            "[acme]\ncaa_identities = ['CA.example']",
            "FILE:2: acme.caa_identities: write at most 10 lower-case domain names without a last dot",
            id="A-236 the form of issuer domain names",
        ),
        pytest.param("[ca]\nprofiles = []", "FILE:2: ca.profiles: name at least one profile", id="profiles"),
        pytest.param(
            "[validation]\nmode = 'never'",
            "FILE:2: validation.mode: expected 'real' or 'always_valid', not 'never'",
            id="word",
        ),
        pytest.param(
            "[dns]\nresolver = 'unbound'",
            "FILE:2: dns.resolver: expected host:port such as '127.0.0.1:14000', not 'unbound'",
            id="resolver",
        ),
        pytest.param(
            "[acme]\ntls_key = 'k'",
            "default of KEIYAKU_ACME__TLS_CERTIFICATE: acme.tls_certificate: "
            "acme.tls_certificate and acme.tls_key belong together: set both or none",
            id="half a pair",
        ),
        pytest.param(
            "[register]\nurl = 'https://register.example'",
            "FILE:2: register.url: register.url and register.id_file belong together: set both or none",
            id="no application id",
        ),
        pytest.param(
            "[mpic]\nurl = 'https://mpic.example'",
            "FILE:2: mpic.url: mpic.url and mpic.key_file belong together: set both or none",
            id="a coordinator without its key",
        ),
        pytest.param(
            f"{MPIC}primary = 'Tokyo'\nperspectives = ['ohio ARIN 39.96 -83.00', 'x RIPE 91 0']",
            "FILE:4: mpic.primary: write 'code REGISTRY latitude longitude', not 'Tokyo'\n"
            "FILE:5: mpic.perspectives: write 'code REGISTRY latitude longitude', not 'x RIPE 91 0'",
            id="no places",
        ),
        pytest.param(
            f"{MPIC}primary = 'tokyo APNIC 35.68 139.69'\n"
            "perspectives = ['ohio ARIN 39.96 -83.00', 'osaka APNIC 34.69 135.50']",
            "FILE:5: mpic.perspectives: tokyo and osaka are 396 km apart, 500 are needed",
            id="perspectives too near",
        ),
        pytest.param(
            "[database]\nurl = 'postgresql://x'",
            "FILE:2: database.url: unused while database.embedded is true: set database.embedded = false",
            id="two databases",
        ),
        pytest.param(
            "[database]\nembedded = false",
            "default of KEIYAKU_DATABASE__URL: database.url: "
            "needed: postgresql://{role}@host/keiyaku, with {role} as it stands",
            id="no database",
        ),
        pytest.param(
            "[ca]\nkeys = 'pkcs11'\n[pkcs11]\ntoken = 'issuing'",
            "default of KEIYAKU_PKCS11__MODULE: pkcs11.module: "
            "needed while ca.keys is 'pkcs11': the path of the vendor's library",
            id="no module",
        ),
        pytest.param(
            "[ca]\nkeys = 'pkcs11'\n[pkcs11]\nmodule = '/m.so'\ntoken = ''",
            "FILE:5: pkcs11.token: needed while ca.keys is 'pkcs11': the label of the issuing CA's token",
            id="no token",
        ),
        pytest.param("#" * (1024 * 1024 + 1), "FILE: (file): larger than 1048576 bytes", id="huge file"),
    ],
)
def test_faults_of_a_file(file: File, text: str, expected: str) -> None:
    assert file.refusal(text) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param(
            "KEIYAKU_ACME__LISTN",
            "x:1",
            "environment: KEIYAKU_ACME__LISTN: unknown key; did you mean KEIYAKU_ACME__LISTEN?",
            id="key",
        ),
        pytest.param(
            "KEIYAKU_ACME__MAX_BODY_BYTES",
            "many",
            "KEIYAKU_ACME__MAX_BODY_BYTES: acme.max_body_bytes: expected a whole number, not 'many'",
            id="number",
        ),
        pytest.param(
            "KEIYAKU_ACME__REQUIRE_BINDING",
            "1",
            "KEIYAKU_ACME__REQUIRE_BINDING: acme.require_binding: expected true or false, not '1'",
            id="bool",
        ),
    ],
)
def test_faults_of_the_environment(name: str, text: str, expected: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        load(None, {name: text})
    assert str(refused.value) == expected


def test_other_variables_are_left_alone() -> None:
    assert load(None, {"KEIYAKU_PG_BIN": "/usr/lib/postgresql/15/bin", "HOME": "/root"}) == load(None, {})


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"nowhere.toml: \(file\): cannot be read: No such file"):
        load(tmp_path / "nowhere.toml", {})


def test_all_faults_at_once(file: File) -> None:
    refusal = file.refusal("data = 1\nenvironmnt = 'x'\n[acme]\nlisten = 2\n", KEIYAKU_NOPE__NOPE="1")
    assert [line.split(": ")[1] for line in refusal.splitlines()] == [
        "environmnt",
        "KEIYAKU_NOPE__NOPE",
        "data",
        "acme.listen",
    ]


def test_production_starts(file: File) -> None:
    settings = file.load(PRODUCTION)
    assert settings.environment == "production"
    for key, value in PRODUCTION_DEFAULTS.items():
        if key != "acme.caa_identities":
            assert value_of(settings, key) == value, key


@pytest.mark.std("C-130")
@pytest.mark.parametrize("place", ["log_list", "log_list_url"])
def test_with_the_publishers_key_the_list_has_a_signature(file: File, place: str) -> None:
    signature = place.replace("log_list", "log_list_signature")
    text = f"[ct]\nlog_list_key = 'key.pem'\n{place} = 'https://list.test/logs'\n"
    assert f"ct.{signature}: needed beside ct.{place}" in file.refusal(text)
    assert value_of(file.load(text, **{variable_of(f"ct.{signature}"): "https://list.test/sig"}), "ct.log_list_key")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("database.embedded", "true"),
        ("database.url", "postgresql://keiyaku@db/keiyaku"),
        ("dns.resolver", "stub"),
        ("dns.resolver", "192.0.2.1:53"),
        ("dns.resolver", "unbound:53"),
        ("validation.mode", "always_valid"),
        ("validation.allow_private", "true"),
        ("validation.http_port", "5002"),
        ("validation.tls_port", "5001"),
        ("acme.require_binding", "false"),
        ("acme.default_binding_kid", "dev-default"),
        ("acme.base_url", "http://acme.ca.example"),
        ("acme.base_url", "https://localhost:14000"),
        ("acme.caa_identities", ""),
        ("office.base_url", "http://office.ca.example"),
        ("status.base_url", "https://status.ca.example"),
        ("mail.server", ""),
        ("mail.folder", "mail"),
        ("mail.security", "none"),
        ("mail.sender", "notices@ca.keiyaku.test"),
        ("mail.officers", ""),
        ("ct.required", "false"),
        ("ct.log_list_url", "http://logs.ca.example/log_list.json"),
        ("ct.log_list_key", ""),
        ("lint.processes", "0"),
        ("lint.ignored", "cabf.internal_domain_name"),
        ("management.listen", "127.0.0.1:15000"),
        ("keys.blocklist", ""),
        ("mpic.url", "http://mpic.ca.example"),
        ("ca.keys", "file"),
        ("register.url", "http://register.example"),
    ],
)
def test_production_refuses(file: File, key: str, text: str) -> None:
    beside = COMPANIONS[key] if key == "register.url" else {}
    refusal = file.refusal(PRODUCTION, **beside, **{variable_of(key): text}).splitlines()
    ours = [line for line in refusal if line.startswith(f"{variable_of(key)}: {key}: ")]
    assert len(ours) == 1
    assert "(environment is production)" in ours[0]
    assert key == "database.embedded" or len(refusal) == 1


def test_production_lists_every_convenience_at_once(file: File) -> None:
    lines = [f"{variable_of(k)}={sample_of_development(k)}" for k in PRODUCTION_DEFAULTS]
    environ = dict(line.split("=", 1) for line in lines)
    refusal = file.refusal("environment = 'production'", **environ)
    missed = {rule.key for rule in REFUSALS} - {line.split(": ")[1] for line in refusal.splitlines()}
    assert missed == {
        "validation.mode", "database.url", "acme.caa_identities", "mail.security", "register.url", "ct.log_list_url",
    }  # fmt: skip


def sample_of_development(key: str) -> str:
    """The development default of `key` as a variable holds it."""
    value = value_of(load(None, {}), key)
    if isinstance(value, Rate):
        return f"{value.number}/{value.span // timedelta(seconds=1)}s"
    return ",".join(value) if isinstance(value, tuple) else str(value).lower() if value is not None else ""


def test_every_key_has_a_type_we_read() -> None:
    plain = {str, bool, int, timedelta, Path, Address, Url, Rate, NoneType}
    for key, kind in KEYS.items():
        assert kind in plain or get_origin(kind) in (Literal, Union, UnionType, tuple), key
