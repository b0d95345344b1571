"""The only map from errors and refusals to problem documents. RFC 8555 §6.7, RFC 7807; T0-1 to T0-5."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from acme_server.edge.keys import PROBLEM
from acme_server.edge.urls import Urls
from acme_server.protocol.errors import AcmeError, ErrorType, Subproblem
from acme_server.use_cases.accounts import KeyInUse, TermsNotAgreed
from acme_server.use_cases.authenticate import AccountEnded
from acme_server.use_cases.finalize import NoSuchOrder
from acme_server.use_cases.limits import RateLimited
from acme_server.use_cases.orders import RefusedByGate
from acme_server.use_cases.problem import URN, subproblem
from acme_server.use_cases.revoke import NoSuchCertificate
from contract_gate.decision import Case, Gate

Problem = dict[str, Any]
ENCODER = msgspec.json.Encoder()
WAIT = 60


class NotFound(AcmeError):
    """There is nothing at this URL for this account (A-039, A-189)."""

    def __init__(self, detail: str = "There is nothing here for this account.") -> None:
        super().__init__(ErrorType.MALFORMED, detail)


class HttpRefused(AcmeError):
    """The request is refused by HTTP's own rules (405, 413, 415…), with its status and headers."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(ErrorType.MALFORMED, detail)
        self.status = status
        self.headers = headers or {}


STATUS: Mapping[ErrorType, int] = {
    ErrorType.ALREADY_REPLACED: 409,
    ErrorType.CAA: 403,
    ErrorType.ORDER_NOT_READY: 403,
    ErrorType.RATE_LIMITED: 429,
    ErrorType.SERVER_INTERNAL: 500,
    ErrorType.UNAUTHORIZED: 403,
    ErrorType.USER_ACTION_REQUIRED: 403,
}  # every other type: 400


class Answer(NamedTuple):
    """The fixed sentence of a gate and case; {help} is the address of the contract's page."""

    type: ErrorType
    detail: str


ANSWERS: Mapping[tuple[Gate, Case], Answer] = {
    (Gate.G1, Case.ENDED): Answer(
        ErrorType.UNAUTHORIZED, "This contract gives no certificates. Contact the CA: {help}"
    ),
    (Gate.G1, Case.NOT_ACCEPTED): Answer(
        ErrorType.UNAUTHORIZED, "This contract gives no certificates. Contact the CA: {help}"
    ),
    (Gate.G1, Case.RENEWAL_NEEDED): Answer(
        ErrorType.USER_ACTION_REQUIRED, "The term of this contract has ended (Terms A12.1). Renew it, see {help}"
    ),
    (Gate.G2, Case.NO_CONSENT): Answer(
        ErrorType.USER_ACTION_REQUIRED,
        "No consent to the Terms and the CP/CPS is on record for this contract (Terms A2.1). Give it, see {help}",
    ),
    (Gate.G3, Case.REVIEW_INCOMPLETE): Answer(
        ErrorType.USER_ACTION_REQUIRED,
        "The review of the organisation is not complete (Terms A4.2). Send what is missing, see {help}",
    ),
    (Gate.G3, Case.REVIEW_STALE): Answer(
        ErrorType.USER_ACTION_REQUIRED,
        "The review of the organisation is too old to issue from (Terms A4.2). Have it renewed, see {help}",
    ),
    (Gate.G4, Case.BINDING): Answer(
        ErrorType.UNAUTHORIZED,
        "This account is not bound to a contract by a live binding key (Terms A4.2). Get a new key and register again, "
        "see {help}",
    ),
    (Gate.G5, Case.NAMES): Answer(
        ErrorType.REJECTED_IDENTIFIER,
        "Names of this order are not in the contract or in the scope of its binding key (Terms A4.4). "
        "Leave them out or have them added, see {help}",
    ),
    (Gate.G5, Case.TOO_MANY_NAMES): Answer(
        ErrorType.REJECTED_IDENTIFIER,
        "The contract lists more names than its plan allows (Terms A8.2). Remove some or change the plan, see {help}",
    ),
    (Gate.G6, Case.OVERDUE): Answer(
        ErrorType.USER_ACTION_REQUIRED, "A payment for this contract is overdue (Terms A8.1). Pay it, or see {help}"
    ),
    (Gate.G7, Case.HOLD): Answer(ErrorType.UNAUTHORIZED, "This contract is under review. Contact the CA: {help}"),
    (Gate.G8, Case.INFORMATION_CHANGED): Answer(
        ErrorType.USER_ACTION_REQUIRED,
        "Information in the certificate has changed and the change is not settled (Terms A6.1, A14.1). "
        "Complete it, see {help}",
    ),
    (Gate.G9, Case.SUSPENDED): Answer(
        ErrorType.SERVER_INTERNAL, "The service is suspended (Terms A10.1, A22.1). Try again later, see {help}"
    ),
    (Gate.G10, Case.TOO_SHORT): Answer(
        ErrorType.USER_ACTION_REQUIRED,
        "Too little of the contract's term is left for a certificate (Terms A12.1). Renew the contract, see {help}",
    ),
}
NAME_DETAIL = "This name is not covered by the contract (Terms A4.4)."


def status_of(error: AcmeError) -> int:
    """HTTP status of an error."""
    match error:
        case HttpRefused():
            return error.status
        case AccountEnded():
            return 401
        case KeyInUse():
            return 409
        case NotFound() | NoSuchOrder() | NoSuchCertificate():
            return 404
        case AcmeError(type=ErrorType.SERVER_INTERNAL) if error.retry_after is not None:
            return 503
        case _:
            return STATUS.get(error.type, 400)


def of_error(error: AcmeError) -> web.Response:
    """The problem document of an error, with the headers that go with it."""
    problem: Problem = {"type": URN + error.type.value, "detail": error.detail, **error.fields}
    if error.subproblems:
        problem["subproblems"] = [subproblem(each) for each in error.subproblems]
    headers = dict(error.headers) if isinstance(error, HttpRefused) else {}
    if error.location:
        headers["Location"] = error.location
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, TermsNotAgreed):
        headers["Link"] = terms_link(error.terms_url)
    if isinstance(error, RateLimited):
        headers["Link"] = f'<{error.help_url}>;rel="help"'
    return respond(problem, status_of(error), headers)


def terms_link(terms_url: str) -> str:
    """Where the terms are that somebody must agree to (RFC 8555 §7.3.3)."""
    return f'<{terms_url}>;rel="terms-of-service"'


def refusal(gate: Gate, case: Case, names: tuple[str, ...], help_url: str) -> Problem:
    """The problem of a gate and case: fixed for a contract while the cause lasts, `instance` the page (T0-1)."""
    answer = ANSWERS[gate, case]
    problem: Problem = {
        "type": URN + answer.type.value,
        "detail": answer.detail.format(help=help_url),
        "instance": help_url,
    }
    if gate is Gate.G5 and names:
        failed = (Subproblem(ErrorType.REJECTED_IDENTIFIER, NAME_DETAIL, name) for name in names)
        problem["subproblems"] = [subproblem(each) for each in failed]
    return problem


def of_refusal(outcome: RefusedByGate, urls: Urls, terms_url: str, least: int = 400) -> web.Response:
    """The answer to a refused order (articles.md §0.4), or authorization, which is 403 at least (A-138)."""
    refused = outcome.refused
    problem = refusal(refused.gate, refused.case, refused.names, urls.help(outcome.help_token))
    headers = {}
    status = max(least, STATUS.get(ANSWERS[refused.gate, refused.case].type, 400))
    if refused.gate is Gate.G9:
        status, headers["Retry-After"] = 503, str(refused.retry_after or WAIT)
    response = respond(problem, status, headers)
    if refused.gate is Gate.G2:
        response.headers.add("Link", terms_link(terms_url))
    return response


def respond(problem: Problem, status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    """The problem as application/problem+json, with its status: clients print the member (RFC 7807 §3.1)."""
    body = ENCODER.encode({**problem, "status": status})
    response = web.Response(body=body, status=status, content_type="application/problem+json", headers=headers)
    response[PROBLEM] = problem["type"].rpartition(":")[2]
    return response


class RecordedRefusal(msgspec.Struct, frozen=True):
    """A refusal of the gate as an order's `error` column holds it."""

    gate: str
    case: str
    help_token: str
    names: tuple[str, ...] = ()


def of_order_error(error: bytes | None, urls: Urls) -> Problem | None:
    """The `error` of an order: a stored problem, or a refusal of the gate with its sentence (T0-3, T0-5)."""
    if error is None:
        return None
    document: Problem = msgspec.json.decode(error)
    if "gate" not in document:
        return document
    recorded = msgspec.convert(document, RecordedRefusal)
    return refusal(Gate[recorded.gate], Case[recorded.case], recorded.names, urls.help(recorded.help_token))
