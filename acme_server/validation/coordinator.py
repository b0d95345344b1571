"""The coordinator of remote perspectives, asked over HTTP as Open MPIC's API has it (version 3). BR §3.2.2.9."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from acme_server.protocol.challenges import dns_value, tls_alpn_digest
from acme_server.protocol.errors import ErrorType
from acme_server.protocol.identifiers import base_of
from acme_server.validation import dns_01
from acme_server.validation.bounded import whole
from acme_server.validation.corroboration import Perspective, Question, Reply, judge, may_fail
from acme_server.validation.outcome import Asked, NotProven, Proven

LARGEST = 1 << 20  # octets of a reply
HEADER = "x-api-key"
LOG = logging.getLogger(__name__)


class CoordinatorAway(Exception):
    """It gave no answer that can be read; why, for the log."""


class Coordinator(msgspec.Struct, frozen=True):
    """Where it is, the secret that it knows us by, whom it may ask, and for how long we wait."""

    session: ClientSession
    url: str
    secret: str
    remotes: Mapping[str, Perspective]
    issuer_domains: tuple[str, ...]
    timeout: float
    clock: Callable[[], datetime]

    async def corroborate(self, asked: Asked, proven: Proven) -> Proven | NotProven:
        """`proven`, with the reply beside it, if the remote perspectives see the same challenge answered (C-060)."""
        target = base_of(asked.name)[0]
        question = self._question("dcv", target)
        parameters = {"dcv_check_parameters": challenge_of(asked, proven)}
        return await self._ask(question, parameters, proven, ErrorType.UNAUTHORIZED)

    async def corroborate_caa(self, name: str, wildcard: bool, proven: Proven) -> Proven | NotProven:
        """`proven`, with the reply beside it, if CAA permits this CA as the remote perspectives see it.

        Limits to an account or a method (RFC 8657) are judged by us: the API does not carry them.
        """
        base, star = base_of(name)
        question = self._question("caa", f"*.{base}" if wildcard or star else base)
        body = {"certificate_type": "tls-server", "caa_domains": self.issuer_domains}
        return await self._ask(question, {"caa_check_parameters": body}, proven, ErrorType.CAA)

    def _question(self, kind: str, target: str) -> Question:
        return Question(kind, target, str(uuid4()), self.clock(), self.remotes)

    async def _ask(
        self, question: Question, parameters: dict[str, Any], proven: Proven, refused: ErrorType
    ) -> Proven | NotProven:
        """One attempt, which begins from nothing (C-059). Its whole reply is evidence either way (C-063)."""
        try:
            answered = await self._post(question, parameters)
            reply = msgspec.json.decode(answered, type=Reply)
            whole = json.loads(answered)
        except (CoordinatorAway, msgspec.DecodeError, ValueError, RecursionError) as fault:
            LOG.warning("the coordinator of perspectives: %s", fault)
            detail = "The server could not ask the other places of the network that must see the same. Try again later."
            return NotProven(ErrorType.SERVER_INTERNAL, detail, temporary=True)
        quorum = judge(reply, question, self.clock())
        kept = {"quorum": quorum.said, "registries": quorum.registries, "trace": question.trace, "reply": whole}
        if quorum.fault is None:
            return msgspec.structs.replace(proven, detail={**proven.detail, "mpic": kept})
        LOG.warning("not corroborated: %s (%s)", quorum.fault, question.trace)
        return NotProven(refused, said_of(question, quorum.said, quorum.others), True, kept | {"fault": quorum.fault})

    async def _post(self, question: Question, parameters: dict[str, Any]) -> bytes:
        """The body of its answer. Raises CoordinatorAway."""
        number = len(self.remotes)
        body = {
            "check_type": question.kind, "domain_or_ip_target": question.target, "trace_identifier": question.trace,
            "orchestration_parameters": {
                "perspective_count": number, "quorum_count": number - may_fail(number), "max_attempts": 1,
            },
            **parameters,
        }  # fmt: skip
        try:
            async with self.session.post(
                f"{self.url}/mpic", json=body, headers={HEADER: self.secret}, allow_redirects=False,
                timeout=ClientTimeout(total=self.timeout),
            ) as answer:  # fmt: skip
                if answer.status != 200:
                    raise CoordinatorAway(f"it answered {answer.status}")
                found = await whole(answer, LARGEST)
        except (ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as fault:
            raise CoordinatorAway(f"{type(fault).__name__}: {fault}") from None
        if found is None:
            raise CoordinatorAway(f"its answer is longer than {LARGEST} octets")
        return found


def challenge_of(asked: Asked, proven: Proven) -> dict[str, Any]:
    """The challenge as a perspective is told of it: the same token, digest or record that the primary saw (C-060)."""
    key_authorization = asked.key_authorization
    match asked.type:
        case "http-01":
            return {"validation_method": "acme-http-01", "token": asked.token, "key_authorization": key_authorization}
        case "tls-alpn-01":
            digest = tls_alpn_digest(key_authorization).hex()
            return {"validation_method": "acme-tls-alpn-01", "key_authorization_hash": digest}
        case "dns-01":
            return {"validation_method": "acme-dns-01", "key_authorization_hash": dns_value(key_authorization)}
        case "dns-account-01":
            label = dns_01.record_name_of_account(asked.name, asked.account_url).partition(".")[0]
            return txt(f"{label}._acme-challenge", dns_value(key_authorization))
        case _:
            return txt("_validation-persist", proven.detail["value"])


def txt(prefix: str, value: str) -> dict[str, Any]:
    """A TXT record that stands below the name."""
    return {
        "validation_method": "dns-change", "dns_record_type": "TXT", "dns_name_prefix": prefix,
        "challenge_value": value, "require_exact_match": True,
    }  # fmt: skip


def said_of(question: Question, quorum: str, others: list[str]) -> str:
    """What the client is told."""
    what = "CAA of" if question.kind == "caa" else "the challenge of"
    missing = f"; not from {', '.join(others)}"[:200] if others else ""
    return (
        f"Seen from here, {what} {question.target} is in order, but only {quorum} other places of the network"
        f" confirm it{missing}. Check that all name servers and addresses answer alike everywhere, then try again."
    )
