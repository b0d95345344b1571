"""JSON out: the objects of RFC 8555 §7.1 as documents. ACME's camelCase stays in this file."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from acme_server.edge.urls import Urls
from acme_server.protocol.identifiers import identifier_of
from acme_server.protocol.objects import Account, Authorization, Order
from acme_server.protocol.status import authorization_status
from acme_server.use_cases.orders import Listed
from acme_server.use_cases.renewal import Renewal

Document = dict[str, Any]
ENCODER = msgspec.json.Encoder()
POLL_AFTER = "1"
RENEWAL_POLL = 6 * 3600


def respond(document: Document, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """The document as JSON."""
    return web.Response(body=ENCODER.encode(document), status=status, content_type="application/json", headers=headers)


def instant(at: datetime) -> datetime:
    """An RFC 3339 time in whole seconds."""
    return at.replace(microsecond=0)


def directory(urls: Urls, terms: str, website: str | None, identities: Sequence[str], eab: bool,
              profiles: Mapping[str, str], subdomains: bool) -> Document:  # fmt: skip
    """The directory (RFC 8555 §7.1.1; RFC 9444 §4.4; RFC 9773 §3; profiles draft §3)."""
    meta: Document = {
        "termsOfService": terms,
        "caaIdentities": list(identities),
        "externalAccountRequired": eab,
        "profiles": dict(profiles),
    }
    if website:
        meta["website"] = website
    if subdomains:
        meta["subdomainAuthAllowed"] = True
    return {
        "newNonce": f"{urls.base}/new-nonce",
        "newAccount": f"{urls.base}/new-account",
        "newOrder": f"{urls.base}/new-order",
        "newAuthz": f"{urls.base}/new-authz",
        "revokeCert": f"{urls.base}/revoke-cert",
        "keyChange": f"{urls.base}/key-change",
        "renewalInfo": f"{urls.base}/renewal-info",
        "meta": meta,
    }


def account(urls: Urls, account: Account) -> Document:
    """An account (RFC 8555 §7.1.2); the binding as received, once verified (A-097)."""
    document: Document = {
        "status": account.status,
        "contact": account.contacts,
        "termsOfServiceAgreed": True,
        "orders": f"{urls.account(account.id)}/orders",
    }
    if account.external_account_binding is not None:
        document["externalAccountBinding"] = msgspec.Raw(account.external_account_binding)
    return document


def orders(urls: Urls, listed: Sequence[Listed]) -> Document:
    """A page of the orders list (RFC 8555 §7.1.2.1)."""
    return {"orders": [urls.order(order.id) for order in listed]}


def identifier(name: str) -> Document:
    """A name of an order as an identifier object."""
    kind, value = identifier_of(name)
    return {"type": kind, "value": value}


def order(urls: Urls, order: Order, status: str, error: Document | None) -> Document:
    """An order (RFC 8555 §7.1.3)."""
    document: Document = {
        "status": status,
        "expires": instant(order.expires_at),
        "identifiers": [identifier(name) for name in order.names],
        "authorizations": [urls.authorization(id) for id in dict.fromkeys(order.authorization_ids)],
        "finalize": f"{urls.order(order.id)}/finalize",
        "profile": order.profile,
    }
    if order.not_before:
        document["notBefore"] = instant(order.not_before)
    if order.not_after:
        document["notAfter"] = instant(order.not_after)
    if order.replaces:
        document["replaces"] = order.replaces
    if order.certificate_id:
        document["certificate"] = urls.certificate(order.certificate_id)
    if error is not None:
        document["error"] = error
    return document


def authorization(urls: Urls, found: Authorization, now: datetime) -> Document:
    """An authorization (RFC 8555 §7.1.4): on offer while pending, then the challenge that was answered (A-142)."""
    answered = found.challenge_type is not None
    shown = [type for type in found.types if not answered or type == found.challenge_type]
    document: Document = {
        "identifier": {"type": found.identifier_type, "value": found.identifier_value},
        "status": authorization_status(found.status, found.expires_at, now),
        "expires": instant(found.expires_at),
        "challenges": [challenge(urls, found, type) for type in shown],
    }
    if found.wildcard:
        document["wildcard"] = True
    if found.subdomains:
        document["subdomainAuthAllowed"] = True
    return document


def challenge(urls: Urls, found: Authorization, type: str) -> Document:
    """A challenge (RFC 8555 §8); the error of a failed attempt shows while the server still retries (A-151).

    That of dns-persist-01 has no token, but what its record must say (A-236).
    """
    document: Document = {
        "type": type,
        "url": urls.challenge(found.id, type),
        "status": "pending",
    }
    if type == "dns-persist-01":
        document |= {"issuer-domain-names": list(urls.issuers), "accounturi": urls.account(found.account_id)}
    else:
        document["token"] = found.tokens_of_types()[type]
    if type == found.challenge_type:
        document["status"] = found.challenge_status
        if found.validated_at:
            document["validated"] = instant(found.validated_at)
        if found.challenge_error:
            document["error"] = msgspec.Raw(found.challenge_error)
    return document


def renewal(found: Renewal) -> Document:
    """Renewal information (RFC 9773 §4.2)."""
    document: Document = {"suggestedWindow": {"start": found.window.start, "end": found.window.end}}
    if found.explanation_url:
        document["explanationURL"] = found.explanation_url
    return document
