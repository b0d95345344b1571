"""What the listener's application carries, by typed key."""

from collections.abc import Callable

from aiohttp import web

from acme_server.edge.client_address import Network
from acme_server.edge.urls import Urls
from acme_server.use_cases.context import Context

CONTEXT = web.AppKey("context", Context)
URLS = web.AppKey("urls", Urls)
PROXIES = web.AppKey("proxies", tuple[Network, ...])
DIRECTORY: web.AppKey[Callable[[str], bytes]] = web.AppKey("directory")  # by the address of the Terms
PROBLEM = web.ResponseKey("problem", str)  # the type of a problem document, without its URN
