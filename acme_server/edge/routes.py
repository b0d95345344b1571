"""The URL table, in the order of RFC 8555 §7.1: start reading here."""

from collections.abc import Callable
from functools import lru_cache

import msgspec
from aiohttp import web

from acme_server.edge import documents, handlers
from acme_server.edge.client_address import Network
from acme_server.edge.envelope import envelope
from acme_server.edge.keys import CONTEXT, DIRECTORY, PROXIES, URLS
from acme_server.edge.urls import Urls
from acme_server.use_cases.context import Context

ROUTES = [
    web.get("/dir", handlers.directory),
    web.get("/directory", handlers.directory),
    web.post("/dir", handlers.read_directory),
    web.post("/directory", handlers.read_directory),
    web.route("HEAD", "/new-nonce", handlers.new_nonce),
    web.get("/new-nonce", handlers.new_nonce, allow_head=False),
    web.post("/new-nonce", handlers.new_nonce),
    web.post("/new-account", handlers.new_account),
    web.post("/account/{id}", handlers.account),
    web.post("/account/{id}/orders", handlers.account_orders),
    web.post("/key-change", handlers.key_change),
    web.post("/new-order", handlers.new_order),
    web.post("/new-authz", handlers.new_authorization),
    web.post("/order/{id}", handlers.order),
    web.post("/order/{id}/finalize", handlers.finalize_order),
    web.post("/authorization/{id}", handlers.authorization),
    web.post("/challenge/{id}/{type:[a-z0-9-]+}", handlers.challenge),
    web.post("/certificate/{id}", handlers.certificate),
    web.post(r"/certificate/{id}/{alternate:[1-9][0-9]?}", handlers.certificate),
    web.post("/revoke-cert", handlers.revoke_certificate),
    web.get("/renewal-info/{certid}", handlers.renewal_info),
]


def make_app(
    context: Context, urls: Urls, *, website: str | None, identities: tuple[str, ...], require_binding: bool,
    max_body: int, proxies: tuple[Network, ...] = (),
) -> web.Application:  # fmt: skip
    """The application of the ACME listener."""
    app = web.Application(middlewares=[envelope], client_max_size=max_body)
    app[CONTEXT], app[URLS], app[PROXIES] = context, urls, proxies
    profiles = {name: profile.description for name, profile in context.profiles.items()}

    @lru_cache(maxsize=2)
    def directory(terms_url: str) -> bytes:
        subdomains = context.offers.subdomains
        return msgspec.json.encode(
            documents.directory(urls, terms_url, website, identities, require_binding, profiles, subdomains)
        )

    by_terms: Callable[[str], bytes] = directory
    app[DIRECTORY] = by_terms
    app.add_routes(ROUTES)
    return app
