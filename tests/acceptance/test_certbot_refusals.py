"""What certbot says when a gate refuses: the fixed sentence word for word, and after the fix the next run succeeds."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import pytest

from acme_server.clock import utc_now
from acme_server.edge.problems import ANSWERS
from contract_gate.calendar import day_start
from contract_gate.decision import Case, Gate
from office.edge.answers import answer_to
from office.use_cases.demo import VERSION
from tests.acceptance.clients import Certbot
from tests.acceptance.conftest import NewCertbot
from tests.acceptance.contracts import FIRST, SECOND, days_ago, make_contract, new_key, review
from tests.acceptance.dev import Dev

CONTRACT, NAME, ELSEWHERE = "gates", "www.gates.test", "www.elsewhere.test"
BY_BOTH = f"--by {FIRST} --and {SECOND}"
Undo = Callable[[], object]


@dataclass(frozen=True)
class Blocked:
    """How a gate comes to refuse, and what an operator does about it."""

    gate: Gate
    case: Case
    block: Callable[[Dev], Undo]
    name: str = NAME


def without_consent(dev: Dev) -> Undo:
    """No command takes consent away."""
    execute(dev, "DELETE FROM gate.consents WHERE contract_id = (SELECT id FROM gate.contracts WHERE handle = $1)")
    return lambda: dev.keiyaku(f"contract consent {CONTRACT} --terms {VERSION} --cps {VERSION} --by {FIRST}")


def review_open(dev: Dev) -> Undo:
    review(dev, CONTRACT, "address", "pending", days_ago(1))
    return lambda: review(dev, CONTRACT, "address", "positive", days_ago(1))


def name_missing(dev: Dev) -> Undo:
    return lambda: dev.keiyaku(f"contract name-add {CONTRACT} {ELSEWHERE}")


def more_names_than_planned(dev: Dev) -> Undo:
    """No command lists more names than contracted."""
    dev.keiyaku(f"contract name-add {CONTRACT} more.gates.test")
    execute(dev, "UPDATE gate.contracts c SET names_max = (SELECT count(*) - 1 FROM gate.contract_names n "
                 "WHERE n.contract_id = c.id AND n.removed_at IS NULL) WHERE c.handle = $1")  # fmt: skip
    return lambda: dev.keiyaku(f"contract name-remove {CONTRACT} more.gates.test")


def unpaid(dev: Dev) -> Undo:
    dev.keiyaku(f"invoice add {CONTRACT} GATES-1 60500 --issued {days_ago(90)}")
    paid = f"payment add GATES-1 60500 --value-date {days_ago(0)} --remitter Example --source x"
    return lambda: dev.keiyaku(paid)


def held(dev: Dev) -> Undo:
    hold = dev.keiyaku(f"hold set {CONTRACT} --kind conduct --item 3 --reason x --by {FIRST}")
    return lambda: dev.keiyaku(f"hold lift {hold} {BY_BOTH}")


def changed(dev: Dev) -> Undo:
    change = dev.keiyaku(f"contract change {CONTRACT} --item organization --in-certificate")
    return lambda: dev.keiyaku(f"contract change-resolve {change} --by {FIRST}")


def suspended(dev: Dev) -> Undo:
    suspension = dev.keiyaku(f"gate suspend --clause A10.1 --cause disaster --by {FIRST}")
    return lambda: dev.keiyaku(f"gate resume {suspension} --by {FIRST}")


def term_ends(tomorrow: bool) -> Callable[[Dev], Undo]:
    """The first certificate was so long ago that the term of 120 months ends tomorrow at 0:00 JST, or has ended."""

    def block(dev: Dev) -> Undo:
        today = day_start(days_ago(0))
        start = today.replace(year=today.year - 10) + timedelta(days=1 if tomorrow else -1)
        begin(dev, start)
        return lambda: begin(dev, utc_now())

    return block


def begin(dev: Dev, at: datetime) -> None:
    """The contract's first certificate was issued then."""
    execute(dev, "UPDATE gate.contract_starts SET issued_at = $2 WHERE contract_id = "
                 "(SELECT id FROM gate.contracts WHERE handle = $1)", at)  # fmt: skip


def execute(dev: Dev, statement: str, *values: object) -> None:
    """What no command can arrange, done as the owner of the database; $1 is the contract's handle."""

    async def run() -> None:
        conn = await asyncpg.connect(dev.owner_dsn)
        try:
            assert await conn.execute(statement, CONTRACT, *values) in ("UPDATE 1", "DELETE 1")
        finally:
            await conn.close()

    asyncio.run(run())


@pytest.fixture(scope="module")
def client(dev: Dev, tmp_path_factory: pytest.TempPathFactory) -> Certbot:
    """certbot of a contract that lacks nothing, with a certificate."""
    make_contract(dev, CONTRACT, "gates.test")
    made = Certbot(dev, tmp_path_factory.mktemp("gates") / "certbot", new_key(dev, CONTRACT))
    made.folder.mkdir()
    made.issued(NAME)
    return made


def refused(client: Certbot, gate: Gate, case: Case, name: str = NAME) -> str:
    """The help page that certbot's refusal names; its sentence stands on a line of its own."""
    done = client.issue(name)
    assert done.returncode == 1, done.stdout
    page = re.search(rf"{client.dev.url('office', '/help/')}[\w-]{{22,}}", done.stdout)
    assert page is not None, done.stdout
    assert ANSWERS[gate, case].detail.format(help=page[0]) in done.stdout.splitlines(), done.stdout
    return page[0]


@pytest.mark.parametrize(
    "blocked",
    [
        pytest.param(Blocked(Gate.G1, Case.RENEWAL_NEEDED, term_ends(tomorrow=False)), id="G1 term over"),
        pytest.param(Blocked(Gate.G2, Case.NO_CONSENT, without_consent), id="G2"),
        pytest.param(Blocked(Gate.G3, Case.REVIEW_INCOMPLETE, review_open), id="G3 incomplete"),
        pytest.param(Blocked(Gate.G5, Case.NAMES, name_missing, ELSEWHERE), id="G5 names"),
        pytest.param(Blocked(Gate.G5, Case.TOO_MANY_NAMES, more_names_than_planned), id="G5 too many names"),
        pytest.param(Blocked(Gate.G6, Case.OVERDUE, unpaid), id="G6"),
        pytest.param(Blocked(Gate.G7, Case.HOLD, held), id="G7"),
        pytest.param(Blocked(Gate.G8, Case.INFORMATION_CHANGED, changed), id="G8"),
        pytest.param(Blocked(Gate.G9, Case.SUSPENDED, suspended), id="G9"),
        pytest.param(Blocked(Gate.G10, Case.TOO_SHORT, term_ends(tomorrow=True)), id="G10"),
    ],
)
def test_a_gate_refuses_and_the_fix_unblocks(dev: Dev, client: Certbot, blocked: Blocked) -> None:
    fix = blocked.block(dev)
    try:
        page = refused(client, blocked.gate, blocked.case, blocked.name)
    finally:
        fix()
    assert answer_to(blocked.gate, blocked.case).advice_ja in dev.fetch(page).decode()
    client.issued(blocked.name)


@pytest.mark.rule("T0-1")
def test_a_refusal_reads_the_same_while_its_cause_lasts(dev: Dev, client: Certbot) -> None:
    lift = held(dev)
    try:
        assert refused(client, Gate.G7, Case.HOLD) == refused(client, Gate.G7, Case.HOLD)
    finally:
        lift()


def test_stale_review(dev: Dev, certbot: NewCertbot) -> None:
    """Data of 399 days ago is a day too old (T4-4)."""
    make_contract(dev, "stale", "stale.test", reviewed_on=days_ago(399))
    client = certbot(new_key(dev, "stale"))
    refused(client, Gate.G3, Case.REVIEW_STALE, "www.stale.test")
    for kind in ("legal_existence", "address", "domain_right", "applicant_authority", "screening"):
        review(dev, "stale", kind, "positive", days_ago(0))
    client.issued("www.stale.test")


def test_a_withdrawn_key_stops_its_accounts_and_a_new_one_helps(dev: Dev, certbot: NewCertbot) -> None:
    make_contract(dev, "withdrawn", "withdrawn.test")
    old = certbot(new_key(dev, "withdrawn"))
    old.issued("www.withdrawn.test")
    assert old.key is not None
    dev.keiyaku(f"key withdraw {old.key[0]}")
    refused(old, Gate.G4, Case.BINDING, "www.withdrawn.test")
    certbot(new_key(dev, "withdrawn")).issued("www.withdrawn.test")


def test_an_ended_contract_gives_no_certificates(dev: Dev, certbot: NewCertbot) -> None:
    make_contract(dev, "ended", "ended.test")
    client = certbot(new_key(dev, "ended"))
    client.issued("www.ended.test")
    dev.keiyaku(f"contract cancel ended --by {FIRST}")
    refused(client, Gate.G1, Case.ENDED, "www.ended.test")
