"""What follows a contract: its renewal, the standing consent to it; and the approval that some customers need first."""

from typing import Literal

from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import Body, Call, Handle, Line, Operation, created, done
from office.edge.api.roles import APPLICANT, DESK, OFFICERS
from office.use_cases import renewal, review
from office.use_cases.asked import Unfit
from office.use_cases.idempotency import Answer


class Approval(Body, frozen=True, forbid_unknown_fields=True):
    """T3-1."""

    grounds: Line


class NewSuccessor(Body, frozen=True, forbid_unknown_fields=True):
    """T12-4, T14-1. `plan`: that of the contract, unless given."""

    handle: Handle
    link: Literal["renewal", "change"] = "renewal"
    plan: Handle | None = None


class StandingConsent(Body, frozen=True, forbid_unknown_fields=True):
    """T12-4. `person`: who signed the paper, for an officer; an applicant consents themselves."""

    plan: Handle
    person: Handle | None = None


async def approve(call: Call) -> Answer:
    """The CA accepts this kind of organisation (A3.1)."""
    await review.approve(call.conn, await the_contract(call), call.body.grounds, call.person, call.now)
    return done()


async def follow(call: Call) -> Answer:
    """An application that follows the contract: its renewal, or after a change of certificate information."""
    new: NewSuccessor = call.body
    contract = await the_contract(call)
    return created(await renewal.apply(call.conn, new.handle, contract, new.plan, new.link, call.now, call.person))


async def consent(call: Call) -> Answer:
    """The customer's standing consent to renewals under a plan."""
    given: StandingConsent = call.body
    if (call.caller.customer_id is not None) == (given.person is not None):
        raise Unfit("an applicant consents for themselves; an officer names the person who signed the paper")
    contract = await the_contract(call)
    await renewal.consent(call.conn, contract, given.plan, given.person or call.person, call.now)
    return done()


async def withdraw_consent(call: Call) -> Answer:
    """The customer takes the standing consent back."""
    await renewal.withdraw_consent(call.conn, await the_contract(call), call.person, call.now)
    return done()


STANDING, SIDES = OF + "/standing-consent", APPLICANT | OFFICERS
OPERATIONS = (
    Operation(
        "approveOrganisation", "POST", OF + "/eligibility-approval", DESK, approve, body=Approval, person=True,
        once=True,
    ),
    Operation("follow", "POST", OF + "/successors", SIDES, follow, body=NewSuccessor, person=True, once=True),
    Operation("consentToRenewals", "POST", STANDING, SIDES, consent, body=StandingConsent, person=True, once=True),
    Operation("withdrawStandingConsent", "DELETE", STANDING, SIDES, withdraw_consent, person=True),
)  # fmt: skip
