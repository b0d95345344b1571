"""Settings that contradict each other, or that nothing could work with."""

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING

from acme_server.config_sections import Acme, Ct, Mpic
from acme_server.validation.corroboration import place, unfit_places

if TYPE_CHECKING:
    from acme_server.config import Settings

MAX_ISSUERS = 10
FOR_WILDCARDS, FOR_ADDRESSES = ("dns-01", "dns-account-01", "dns-persist-01"), ("http-01", "tls-alpn-01")
ISSUER = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")


def unfit(settings: "Settings") -> list[tuple[str, str]]:
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
    found.extend(unfit_perspectives(settings.mpic))
    if bool(settings.mail.user) != (settings.mail.password_file is not None):
        found.append(("mail.user", "mail.user and mail.password_file belong together: set both or none"))
    if (settings.register.url is None) != (settings.register.id_file is None):
        found.append(("register.url", "register.url and register.id_file belong together: set both or none"))
    if settings.ca.keys == "pkcs11" and settings.pkcs11.module is None:
        found.append(("pkcs11.module", "needed while ca.keys is 'pkcs11': the path of the vendor's library"))
    if settings.ca.keys == "pkcs11" and not settings.pkcs11.token:
        found.append(("pkcs11.token", "needed while ca.keys is 'pkcs11': the label of the issuing CA's token"))
    found.extend(unfit_list(settings.ct))
    found.extend(unfit_names(settings.acme))
    if not settings.ca.profiles:
        found.append(("ca.profiles", "name at least one profile"))
    return found


def unfit_list(ct: Ct) -> list[tuple[str, str]]:
    """Lists of logs that cannot be read, or whose signature cannot (C-130)."""
    if ct.required and ct.log_list is None and ct.log_list_url is None:
        return [("ct.log_list", "needed while ct.required: name the file of logs, or ct.log_list_url")]
    if ct.log_list_key is None:
        return []
    for name in ("log_list", "log_list_url"):
        key = name.replace("log_list", "log_list_signature")
        if getattr(ct, name) is not None:
            return [] if getattr(ct, key) is not None else [(f"ct.{key}", f"needed beside ct.{name} and its key")]
    return []


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


def unfit_perspectives(mpic: Mpic) -> list[tuple[str, str]]:
    """Places of the network that do not do, whoever answers for them (C-055, C-056)."""
    if (mpic.url is None) != (mpic.key_file is None):
        return [("mpic.url", "mpic.url and mpic.key_file belong together: set both or none")]
    if mpic.url is None:
        return []
    found = []
    for key, texts in (("mpic.primary", (mpic.primary,)), ("mpic.perspectives", mpic.perspectives)):
        found += [
            (key, f"write 'code REGISTRY latitude longitude', not {text!r}") for text in texts if not is_place(text)
        ]
    if not found and (wrong := unfit_places([place(text) for text in mpic.perspectives], place(mpic.primary))):
        found.append(("mpic.perspectives", wrong))
    return found


def is_place(text: str) -> bool:
    """Whether the text says a place."""
    try:
        place(text)
    except ValueError:
        return False
    return True


def is_network(text: str) -> bool:
    """Whether the text is an address or a network."""
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
