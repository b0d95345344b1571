"""What `environment = "production"` refuses: every convenience of development (design §3)."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from acme_server.config_source import Rate

if TYPE_CHECKING:
    from acme_server.config import Settings

# Where production's default differs from development's. No default stands in for what only the operator knows.
PRODUCTION_DEFAULTS: Mapping[str, Any] = {
    "acme.caa_identities": (),
    "acme.require_binding": True,
    "acme.default_binding_kid": "",
    "mail.folder": None,
    "management.listen": None,
    "database.embedded": False,
    "validation.http_port": 80,
    "validation.tls_port": 443,
    "validation.allow_private": False,
    "validation.caa_reports": True,
    "ca.keys": "pkcs11",
    "ct.required": True,
    "ct.log_list_url": "https://www.gstatic.com/ct/log_list/v3/log_list.json",
    "ct.log_list_signature_url": "https://www.gstatic.com/ct/log_list/v3/log_list.sig",
    "lint.processes": 2,
    "lint.ignored": (),
    "limits.new_accounts": Rate(50, timedelta(hours=3)),
    "limits.orders_of_account": Rate(300, timedelta(hours=3)),
    "limits.orders_of_contract": Rate(1500, timedelta(hours=3)),
    "limits.orders_of_names": Rate(20, timedelta(days=7)),
    "limits.failed_validations": Rate(5, timedelta(hours=1)),
    "limits.pause_failures": 200,
    "log.format": "json",
    "log.requests": True,
}


class Refusal(NamedTuple):
    """A key, whether its value must not go into production, and what to do."""

    key: str
    refused: "Callable[[Settings], bool]"
    reason: str


REFUSALS = (
    Refusal("database.embedded", lambda s: s.database.embedded, "the embedded database is for development: set false"),
    Refusal(
        "database.url",
        lambda s: not s.database.embedded and "{role}" not in s.database.url,
        "needs {role} in it, so that each kind of process has its own database role",
    ),
    Refusal("dns.resolver", lambda s: s.dns.resolver == "stub", "the stub resolver is for development: run unbound"),
    Refusal(
        "dns.resolver",
        lambda s: s.dns.resolver != "stub" and not s.dns.resolver.is_loopback,
        "must be a validating unbound on loopback, such as '127.0.0.1:53': answers over a network cannot be trusted",
    ),
    Refusal("validation.mode", lambda s: s.validation.mode != "real", "only 'real' proves control over a name"),
    Refusal("validation.allow_private", lambda s: s.validation.allow_private, "must not reach inside: set false"),
    Refusal("validation.http_port", lambda s: s.validation.http_port != 80, "must be 80 (RFC 8555 §8.3)"),
    Refusal("validation.tls_port", lambda s: s.validation.tls_port != 443, "must be 443 (RFC 8737 §3)"),
    Refusal("mpic.url", lambda s: s.mpic.url is None, "BR 3.2.2.9: other places of the network must see the same"),
    Refusal(
        "mpic.url",
        lambda s: s.mpic.url is not None and not public(s.mpic.url, "https"),
        "perspectives are asked over https, or who stands between answers for them",
    ),
    Refusal("acme.require_binding", lambda s: not s.acme.require_binding, "accounts need a binding: set true"),
    Refusal(
        "acme.default_binding_kid",
        lambda s: s.acme.default_binding_kid != "",
        "no account falls to a contract by default: leave it out",
    ),
    Refusal("acme.base_url", lambda s: not public(s.acme.base_url, "https"), "must be the public https address"),
    Refusal("acme.caa_identities", lambda s: not s.acme.caa_identities, "name the CA's own issuer domains"),
    Refusal("office.base_url", lambda s: not public(s.office.base_url, "https"), "must be the public https address"),
    Refusal("status.base_url", lambda s: not public(s.status.base_url, "http"), "must be public, plain http"),
    Refusal("mail.server", lambda s: s.mail.server is None, "the Terms demand notices: name the mail server"),
    Refusal("mail.folder", lambda s: s.mail.folder is not None, "files reach nobody: leave it out"),
    Refusal(
        "mail.security",
        lambda s: s.mail.security == "none" and s.mail.server is not None and not s.mail.server.is_loopback,
        "letters must not cross a network in the clear: set 'starttls' or 'tls'",
    ),
    Refusal("mail.sender", lambda s: s.mail.sender.endswith(".test"), "name the address that notices come from"),
    Refusal("mail.officers", lambda s: not s.mail.officers, "name the address that warns the CA's own people"),
    Refusal("keys.blocklist", lambda s: s.keys.blocklist is None, "BR 6.1.1.3: name the file of keys that are public"),
    Refusal(
        "register.url",
        lambda s: s.register.url is not None and not public(s.register.url, "https"),
        "the register is asked over https: its answers start deadlines",
    ),
    Refusal("management.listen", lambda s: s.management.listen is not None, "it hands out keys: leave it out"),
    Refusal("ct.required", lambda s: not s.ct.required, "browsers trust no certificate without SCTs: set true"),
    Refusal(
        "ct.log_list_url",
        lambda s: s.ct.log_list_url is not None and not public(s.ct.log_list_url, "https"),
        "who writes the list of logs says whose SCTs count: read it over https, or from a file",
    ),
    Refusal(
        "ct.log_list_key",
        lambda s: s.ct.log_list_key is None,
        "name the file with the key that the list of logs is signed by: a list without its signature is not believed",
    ),
    Refusal("lint.processes", lambda s: s.lint.processes == 0, "BR 4.3.1.2: nothing is signed that was not linted"),
    Refusal("lint.ignored", lambda s: bool(s.lint.ignored), "an error of the linter stops the signature: leave it out"),
    Refusal("ca.keys", lambda s: s.ca.keys == "file", "keys in files are for development: set 'pkcs11'"),
)


def public(url: str, scheme: str) -> bool:
    """Whether `url` has that scheme and is not this machine's own."""
    return url.startswith(f"{scheme}://") and not url.startswith(f"{scheme}://localhost")


def production_faults(settings: "Settings") -> list[tuple[str, str]]:
    """Everything in `settings` that must not go into production, all at once: key and reason."""
    return [(rule.key, f"{rule.reason} (environment is production)") for rule in REFUSALS if rule.refused(settings)]
