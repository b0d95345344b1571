"""What the listener's application carries, by typed key."""

from aiohttp import web

from acme_server.edge.urls import Urls
from acme_server.use_cases.context import Context

CONTEXT = web.AppKey("context", Context)
URLS = web.AppKey("urls", Urls)
DIRECTORY = web.AppKey("directory", bytes)
PROBLEM = web.ResponseKey("problem", str)  # the type of a problem document, without its URN
