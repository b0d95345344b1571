"""A coordinator of remote perspectives as Open MPIC's API describes it, honest or not (BR §3.2.2.9)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import time_ns
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Json = dict[str, Any]
SECRET = "known-to-both"


@dataclass
class Coordinator:
    """Every perspective sees what `sees` says for its code; `twist` makes of an honest reply what is sent."""

    url: str = ""
    codes: tuple[str, ...] = ()
    sees: Callable[[str, Json], bool] = lambda _code, _question: True
    twist: Callable[[Json], Any] = lambda reply: reply
    asked: list[Json] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """POST /mpic."""
        if request.headers.get("x-api-key") != SECRET:
            return web.json_response({"message": "Forbidden"}, status=403)
        question = await request.json()
        self.asked.append(question)
        kind, wanted = question["check_type"], question["orchestration_parameters"]
        seen = {code: self.sees(code, question) for code in self.codes[: wanted["perspective_count"]]}
        parameters = f"{kind}_check_parameters"
        twisted = self.twist({
            "mpic_completed": True, "request_orchestration_parameters": wanted,
            "actual_orchestration_parameters": {
                "perspective_count": len(seen), "quorum_count": wanted["quorum_count"], "attempt_count": 1,
            },
            "check_type": kind, "domain_or_ip_target": question["domain_or_ip_target"],
            "is_valid": wanted["quorum_count"] == 0 or sum(seen.values()) >= wanted["quorum_count"],
            "trace_identifier": question["trace_identifier"], parameters: question[parameters],
            "perspectives": [{"perspective_code": c, "check_response": of_look(kind, ok)} for c, ok in seen.items()],
            "previous_attempt_results": None,
        })  # fmt: skip
        return twisted if isinstance(twisted, web.Response) else web.json_response(twisted)


def of_look(kind: str, passed: bool) -> Json:
    """What one perspective says of its look just now."""
    errors = None if passed else [{"error_type": "mpic_error:not_seen", "error_message": "seen otherwise"}]
    return {
        "check_completed": True, "check_passed": passed, "timestamp_ns": time_ns(), "check_type": kind,
        "errors": errors, "details": {},
    }  # fmt: skip


@asynccontextmanager
async def running(*codes: str) -> AsyncIterator[Coordinator]:
    """It listens at `url`."""
    made = Coordinator(codes=codes)
    app = web.Application()
    app.router.add_post("/mpic", made.answer)
    async with TestServer(app) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made
