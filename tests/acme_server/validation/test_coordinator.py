"""What the coordinator of remote perspectives is asked, and what of its answers counts. Open MPIC, BR §3.2.2.9."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web

from acme_server.clock import utc_now
from acme_server.protocol.challenges import dns_value
from acme_server.protocol.errors import ErrorType
from acme_server.validation import dns_01
from acme_server.validation.coordinator import LARGEST, Coordinator
from acme_server.validation.look import CorroboratedLooker, looker
from acme_server.validation.outcome import Asked, NotProven, Proven
from acme_server.validation.resolver import Resolver
from acme_server.validation.settings import ValidationSettings
from tests.acme_server.validation.test_corroboration import CODES, REMOTES
from tests.simulators import mpic
from tests.simulators.dns import DnsSimulator

NAME, TOKEN = "www.demo.test", "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
KEY_AUTHORIZATION = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
ACCOUNT = "https://acme.ca.example/acct/1"
SEEN = Proven("192.0.2.1", {"method": "x", "value": "ca.example; accounturi=https://acme.ca.example/acct/1"})
AWAY = "The server could not ask the other places of the network that must see the same. Try again later."


@dataclass
class Asking:
    """A coordinator and our client of it."""

    there: mpic.Coordinator
    here: Coordinator

    async def outcome(self, type: str = "http-01", name: str = NAME) -> Proven | NotProven:
        """What corroborating a challenge ends in."""
        return await self.here.corroborate(asked(type, name), SEEN)


def asked(type: str = "http-01", name: str = NAME) -> Asked:
    return Asked(type, name, TOKEN, KEY_AUTHORIZATION, ACCOUNT, False, utc_now())


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    """Seven honest perspectives that see what we see."""
    async with mpic.running(*CODES) as there, ClientSession() as session:
        yield Asking(there, Coordinator(session, there.url, mpic.SECRET, REMOTES, ("ca.example",), 10, utc_now))


DIGEST = dns_value(KEY_AUTHORIZATION)
LABEL = dns_01.record_name_of_account(NAME, ACCOUNT).partition(".")[0]
HTTP = {"validation_method": "acme-http-01", "token": TOKEN, "key_authorization": KEY_AUTHORIZATION}
TXT = {"validation_method": "dns-change", "dns_record_type": "TXT", "require_exact_match": True}


@pytest.mark.std("C-060", "C-054")
@pytest.mark.parametrize(
    ("type", "name", "parameters"),
    [
        ("http-01", NAME, HTTP),
        ("http-01", "192.0.2.7", HTTP),
        ("tls-alpn-01", NAME, {"validation_method": "acme-tls-alpn-01",
                               "key_authorization_hash": sha256(KEY_AUTHORIZATION.encode()).hexdigest()}),
        ("dns-01", f"*.{NAME}", {"validation_method": "acme-dns-01", "key_authorization_hash": DIGEST}),
        ("dns-account-01", NAME, TXT | {"dns_name_prefix": f"{LABEL}._acme-challenge", "challenge_value": DIGEST}),
        ("dns-persist-01", NAME, TXT | {"dns_name_prefix": "_validation-persist",
                                        "challenge_value": SEEN.detail["value"]}),
    ],
)  # fmt: skip
async def test_perspectives_are_told_what_the_primary_saw(
    asking: Asking, type: str, name: str, parameters: dict[str, Any]
) -> None:
    outcome = await asking.outcome(type, name)
    assert isinstance(outcome, Proven), outcome
    (question,) = asking.there.asked
    assert question["dcv_check_parameters"] == parameters
    assert question["domain_or_ip_target"] == name.removeprefix("*.")
    assert question["orchestration_parameters"] == {"perspective_count": 7, "quorum_count": 5, "max_attempts": 1}


@pytest.mark.std("C-063")
async def test_the_whole_reply_is_evidence(asking: Asking) -> None:
    asking.there.twist = lambda reply: reply | {"more": ["than", "we", "know"]}
    outcome = await asking.outcome()
    assert isinstance(outcome, Proven)
    kept = outcome.detail["mpic"]
    assert (outcome.detail["method"], kept["quorum"], kept["reply"]["more"]) == ("x", "7/7", ["than", "we", "know"])
    assert [each["perspective_code"] for each in kept["reply"]["perspectives"]] == list(CODES)
    asking.there.sees = lambda code, _question: code not in CODES[:3]
    refused = await asking.outcome()
    assert isinstance(refused, NotProven)
    assert refused.mpic is not None
    assert (refused.mpic["quorum"], len(refused.mpic["reply"]["perspectives"])) == ("4/7", 7)


@pytest.mark.std("C-054", "C-059")
async def test_what_too_few_see_proves_nothing_and_the_next_attempt_begins_anew(asking: Asking) -> None:
    asking.there.sees = lambda code, _question: code not in ("ohio", "seoul", "sydney")
    refused = await asking.outcome()
    assert isinstance(refused, NotProven)
    assert (refused.type, refused.temporary) == (ErrorType.UNAUTHORIZED, True)
    assert "only 4/7 other places of the network confirm it; not from ohio, seoul, sydney." in refused.detail
    asking.there.sees = lambda code, _question: code in ("ohio", "seoul", "sydney")  # the others would make seven
    assert isinstance(await asking.outcome(), NotProven)
    asking.there.sees = lambda code, _question: code not in ("ohio", "seoul")
    assert isinstance(await asking.outcome(), Proven)


@pytest.mark.std("C-053", "C-055")
@pytest.mark.parametrize(
    "twist",
    [
        pytest.param(lambda reply: reply | {"is_valid": "yes"}, id="a text for a truth"),
        pytest.param(lambda reply: {k: v for k, v in reply.items() if k != "perspectives"}, id="no perspectives"),
        pytest.param(lambda reply: {k: v for k, v in reply.items() if k != "is_valid"}, id="no verdict"),
        pytest.param(lambda reply: reply | {"actual_orchestration_parameters": None}, id="no numbers"),
        pytest.param(lambda reply: reply | {"perspectives": [{"check_response": {}}]}, id="a perspective without code"),
        pytest.param(lambda _reply: [], id="a list"),
        pytest.param(lambda _reply: web.Response(body=b"[" * 100_000), id="deep nesting"),
        pytest.param(lambda _reply: web.Response(body=b"\xff{}"), id="no JSON"),
        pytest.param(lambda _reply: web.Response(body=b" " * (LARGEST + 1)), id="too long"),
        pytest.param(lambda _reply: web.Response(status=500), id="an error"),
        pytest.param(lambda _reply: web.Response(status=302, headers={"Location": "/mpic"}), id="a redirect"),
        pytest.param(lambda _reply: web.Response(status=201, body=b"{}"), id="another status"),
    ],
)
async def test_an_answer_that_cannot_be_read_corroborates_nothing(asking: Asking, twist: Any) -> None:
    asking.there.twist = twist
    assert await asking.outcome() == NotProven(ErrorType.SERVER_INTERNAL, AWAY, temporary=True)
    asking.there.twist = lambda reply: reply
    assert isinstance(await asking.outcome(), Proven)


@pytest.mark.std("C-061")
async def test_who_is_not_known_to_the_coordinator_is_told_nothing(asking: Asking) -> None:
    stranger = msgspec.structs.replace(asking.here, secret="guessed")
    assert await stranger.corroborate(asked(), SEEN) == NotProven(ErrorType.SERVER_INTERNAL, AWAY, temporary=True)
    nobody = msgspec.structs.replace(asking.here, url="http://127.0.0.1:1")
    assert await nobody.corroborate(asked(), SEEN) == NotProven(ErrorType.SERVER_INTERNAL, AWAY, temporary=True)


@pytest.fixture
def looks(resolver: Resolver, settings: ValidationSettings, asking: Asking) -> CorroboratedLooker:
    """From here, by the DNS simulator, and from there."""
    made = looker(settings, resolver, asking.here)
    assert isinstance(made, CorroboratedLooker)
    return made


@pytest.mark.std("C-060")
async def test_what_the_primary_does_not_see_is_not_asked_of_others(
    dns: DnsSimulator, looks: CorroboratedLooker, asking: Asking
) -> None:
    assert isinstance(await looks.validate(asked("dns-01")), NotProven)
    dns.add(NAME, "CAA", '0 issue "other.example"')
    assert isinstance(await looks.caa(NAME, False, ACCOUNT, "dns-01"), NotProven)
    assert asking.there.asked == []
    dns.add(f"_acme-challenge.{NAME}", "TXT", f'"{DIGEST}"')
    assert isinstance(await looks.validate(asked("dns-01")), Proven)
    assert len(asking.there.asked) == 1


@pytest.mark.std("C-053", "C-060")
@pytest.mark.parametrize(("wildcard", "target"), [(False, NAME), (True, f"*.{NAME}")])
async def test_caa_is_permitted_here_and_there(
    dns: DnsSimulator, looks: CorroboratedLooker, asking: Asking, wildcard: bool, target: str
) -> None:
    dns.add(NAME, "CAA", '0 issue "ca.example"')
    permitted = await looks.caa(NAME, wildcard, ACCOUNT, "dns-01")
    assert isinstance(permitted, Proven)
    assert permitted.detail["mpic"]["quorum"] == "7/7"
    (question,) = asking.there.asked
    assert question["domain_or_ip_target"] == target
    assert question["caa_check_parameters"] == {"certificate_type": "tls-server", "caa_domains": ["ca.example"]}
    asking.there.sees = lambda code, _question: code in CODES[:4]
    refused = await looks.caa(NAME, wildcard, ACCOUNT, "dns-01")
    assert isinstance(refused, NotProven)
    assert (refused.type, refused.temporary) == (ErrorType.CAA, True)


async def test_an_address_has_no_caa_to_be_asked_for(looks: CorroboratedLooker, asking: Asking) -> None:
    assert isinstance(await looks.caa("192.0.2.7", False, ACCOUNT, "http-01"), Proven)
    assert asking.there.asked == []
