"""About ten lines per resource: parse, call one use case, render. RFC 8555 §7."""

from uuid import UUID

from aiohttp import web

from acme_server.clock import utc_now
from acme_server.edge import documents, problems, signed
from acme_server.edge.client_address import client_network
from acme_server.edge.keys import CONTEXT, DIRECTORY, PROXIES, URLS
from acme_server.edge.problems import NotFound
from acme_server.protocol import keys
from acme_server.protocol.objects import Account, Authorization
from acme_server.protocol.pem import pem_chain
from acme_server.protocol.requests import (
    AccountUpdate,
    AuthorizationUpdate,
    ChallengeResponse,
    Finalize,
    NewAccount,
    NewAuthorization,
    NewOrder,
    Revoke,
    parse,
)
from acme_server.use_cases import (
    accounts,
    authenticate,
    authorizations,
    finalize,
    orders,
    pre_authorization,
    renewal,
    revoke,
)
from acme_server.use_cases.orders import OrderState, RefusedByGate

NIL = UUID(int=0)


def id_of(request: web.Request) -> UUID:
    """The id in the path, as we write it; for anything else one that names nothing."""
    text = request.match_info["id"]
    try:
        found = UUID(text)
    except ValueError:
        return NIL
    return found if str(found) == text else NIL


async def directory(request: web.Request) -> web.Response:
    """Where everything is. RFC 8555 §7.1.1."""
    return web.Response(body=request.app[DIRECTORY](request.app[CONTEXT].terms_url), content_type="application/json")


async def read_directory(request: web.Request) -> web.Response:
    """The same by POST-as-GET (A-037)."""
    await signed.to_read(request)
    return await directory(request)


async def new_nonce(request: web.Request) -> web.Response:
    """A nonce, in the header that every answer to a POST has. RFC 8555 §7.2."""
    if request.method == "POST":
        await signed.to_read(request)
    nonce = authenticate.new_nonce(request.app[CONTEXT], utc_now())
    status = 204 if request.method == "GET" else 200
    return web.Response(status=status, headers={"Replay-Nonce": nonce, "Cache-Control": "no-store"})


async def new_account(request: web.Request) -> web.Response:
    """Register, or find the account of a key. RFC 8555 §7.3."""
    key, known, payload = await signed.by_key(request)
    context, urls = request.app[CONTEXT], request.app[URLS]
    wanted = parse(payload, NewAccount)
    network = client_network(request, request.app[PROXIES])
    found = await accounts.register(context, key, known, wanted, signed.url_of(request), network, utc_now())
    headers = {"Location": urls.account(found.account.id)}
    return documents.respond(documents.account(urls, found.account), 201 if found.created else 200, headers)


async def account(request: web.Request) -> web.Response:
    """Read, update or deactivate an account. RFC 8555 §7.3.2, §7.3.6."""
    owner, payload = await signed.by_owner(request)
    context = request.app[CONTEXT]
    if payload:
        update = parse(payload, AccountUpdate)
        if update.status == "deactivated":
            owner = await accounts.deactivate(context, owner, utc_now())
        elif update.contact is not None:
            owner = await accounts.update_contacts(context, owner, update.contact, utc_now())
    headers = {"Location": request.app[URLS].account(owner.id)}
    return documents.respond(documents.account(request.app[URLS], owner), headers=headers)


async def account_orders(request: web.Request) -> web.Response:
    """A page of the account's orders. RFC 8555 §7.1.2.1."""
    owner, payload = await signed.by_owner(request)
    signed.require_empty(payload)
    try:
        after = UUID(request.query.get("after", str(NIL)))
    except ValueError:
        raise NotFound from None
    page, following = await orders.page_of_orders(request.app[CONTEXT], owner, after, utc_now())
    urls = request.app[URLS]
    response = documents.respond(documents.orders(urls, page))
    if following is not None:
        response.headers.add("Link", f'<{urls.account(owner.id)}/orders?after={following}>;rel="next"')
    return response


async def key_change(request: web.Request) -> web.Response:
    """Give the account a new key. RFC 8555 §7.3.5."""
    owner, payload = await signed.by_account(request)
    context, urls = request.app[CONTEXT], request.app[URLS]
    current = keys.of_spki(owner.public_key)
    changed = await accounts.change_key(context, owner, current, payload, signed.url_of(request), utc_now())
    return documents.respond(documents.account(urls, changed), headers={"Location": urls.account(owner.id)})


async def new_order(request: web.Request) -> web.Response:
    """Apply for a certificate. RFC 8555 §7.4."""
    owner, revisions, payload = await signed.to_order(request)
    now = utc_now()
    outcome = await orders.place_order(request.app[CONTEXT], owner, revisions, parse(payload, NewOrder), now)
    match outcome:
        case RefusedByGate():
            return problems.of_refusal(outcome, request.app[URLS], request.app[CONTEXT].terms_url)
        case OrderState():
            return order_response(request, outcome, outcome.status(now), 201)


def order_response(request: web.Request, state: OrderState, status: str, http_status: int = 200) -> web.Response:
    """An order with its URL; polled again after a second while it is processing (A-133, A-134)."""
    urls = request.app[URLS]
    headers = {"Location": urls.order(state.order.id)}
    if status == "processing":
        headers["Retry-After"] = documents.POLL_AFTER
    cause = orders.cause_of_end(state, utc_now()) if status == "invalid" else None
    document = documents.order(urls, state.order, status, problems.of_order_error(cause, urls))
    return documents.respond(document, http_status, headers)


async def new_authorization(request: web.Request) -> web.Response:
    """Prove a name before ordering. RFC 8555 §7.4.1."""
    owner, revisions, payload = await signed.to_order(request)
    context, urls, now = request.app[CONTEXT], request.app[URLS], utc_now()
    outcome = await pre_authorization.authorize(context, owner, revisions, parse(payload, NewAuthorization), now)
    match outcome:
        case RefusedByGate():
            return problems.of_refusal(outcome, urls, context.terms_url, least=403)
        case Authorization():
            headers = {"Location": urls.authorization(outcome.id)}
            return documents.respond(documents.authorization(urls, outcome, now), 201, headers)


async def order(request: web.Request) -> web.Response:
    """Read an order. RFC 8555 §7.4."""
    _, found, payload = await signed.with_own(request, orders.read_own, id_of(request))
    signed.require_empty(payload)
    if found is None:
        raise NotFound
    return order_response(request, found, found.status(utc_now()))


async def finalize_order(request: web.Request) -> web.Response:
    """Send the CSR; the gate is passed again. RFC 8555 §7.4."""
    owner, found, payload = await signed.with_own(request, finalize.read_own, id_of(request))
    csr = parse(payload, Finalize).csr
    outcome = await finalize.finalize(request.app[CONTEXT], owner, found, csr, utc_now())
    if isinstance(outcome, RefusedByGate):
        return problems.of_refusal(outcome, request.app[URLS], request.app[CONTEXT].terms_url)
    return order_response(request, OrderState(outcome.order, [], [], []), outcome.order.status)


async def authorization(request: web.Request) -> web.Response:
    """Read or deactivate an authorization. RFC 8555 §7.5, §7.5.2."""
    id, now = id_of(request), utc_now()
    owner, found, payload = await signed.with_own(request, authorizations.read_own, id)
    if payload:
        parse(payload, AuthorizationUpdate)
        found = await authorizations.deactivate(request.app[CONTEXT], owner, id, now)
    if found is None:
        raise NotFound
    headers = {"Retry-After": documents.POLL_AFTER} if being_validated(found) else None
    return documents.respond(documents.authorization(request.app[URLS], found, now), headers=headers)


def being_validated(found: Authorization) -> bool:
    """Whether a client should poll; not once the authorization has ended."""
    return found.status == "pending" and found.challenge_status == "processing"


async def challenge(request: web.Request) -> web.Response:
    """Read a challenge, or answer it. RFC 8555 §7.5.1."""
    owner, payload = await signed.by_account(request)
    id, type = id_of(request), request.match_info["type"]
    if payload:
        parse(payload, ChallengeResponse)
        found = await authorizations.respond(request.app[CONTEXT], owner, id, type, utc_now())
    else:
        found = await authorizations.authorization_of(request.app[CONTEXT], owner, id)
    if found is None or type not in found.types:
        raise NotFound
    urls = request.app[URLS]
    response = documents.respond(documents.challenge(urls, found, type))
    if being_validated(found):
        response.headers["Retry-After"] = documents.POLL_AFTER
    response.headers.add("Link", f'<{urls.authorization(id)}>;rel="up"')
    return response


async def certificate(request: web.Request) -> web.Response:
    """Download a certificate with a chain. RFC 8555 §7.4.2."""
    id, alternate = id_of(request), int(request.match_info.get("alternate", "0"))
    _, chains, payload = await signed.with_own(request, renewal.read_own, id)
    signed.require_empty(payload)
    if alternate >= len(chains):
        raise NotFound
    response = web.Response(body=pem_chain(chains[alternate]), content_type="application/pem-certificate-chain")
    for other in range(len(chains)):
        if other != alternate:
            response.headers.add("Link", f'<{request.app[URLS].certificate(id, other)}>;rel="alternate"')
    return response


async def revoke_certificate(request: web.Request) -> web.Response:
    """Revoke a certificate. RFC 8555 §7.6."""
    who, payload = await signed.by_account_or_key(request)
    context, wanted, now = request.app[CONTEXT], parse(payload, Revoke), utc_now()
    if isinstance(who, Account):
        await revoke.by_account(context, who, wanted.certificate, wanted.reason, now)
    else:
        await revoke.by_certificate_key(context, who, wanted.certificate, wanted.reason, now)
    return web.Response()


async def renewal_info(request: web.Request) -> web.Response:
    """When to renew a certificate; open to all. RFC 9773 §4."""
    found = await renewal.renewal_of(request.app[CONTEXT], request.match_info["certid"], utc_now())
    if found is None:
        raise NotFound("This CA has issued no such certificate.")
    headers = {"Retry-After": str(documents.RENEWAL_POLL), "Cache-Control": "max-age=600"}
    return documents.respond(documents.renewal(found), headers=headers)
