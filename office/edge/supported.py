"""Supported servers and recommended clients, dated (T7-1)."""

from datetime import date

AS_OF = date(2026, 11, 22)

CLIENTS = (
    ("certbot", "https://certbot.eff.org/"),
    ("lego", "https://go-acme.github.io/lego/"),
)
SERVERS = ("Apache HTTP Server", "nginx", "HAProxy", "Caddy", "Apache Tomcat", "Microsoft IIS")
