"""A case over certificates of several customers: each is told before its own go, none waits for another."""

from datetime import timedelta
from hashlib import sha256

import pytest

from office.storage.revocations import Scope
from office.use_cases import acme_cases, cases, deliver, revocations
from office.use_cases.mail import Posting
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, notices, publish, revoked
from tests.office.use_cases.test_results import told
from tests.office.use_cases.test_revocations import DAY, HOUR, acme_revokes, decided, opened, swept

MINUTE = timedelta(minutes=1)
OTHER = """
WITH them AS (
    INSERT INTO gate.customers SELECT (jsonb_populate_record(c, jsonb_build_object(
        'id', gen_random_uuid(), 'handle', $1::text, 'corporate_number', NULL))).*
    FROM gate.customers c WHERE handle = 'kaisha' RETURNING id)
INSERT INTO gate.contracts (id, handle, customer_id, plan_id, fee_yen, term_months, names_max, state, applied_at,
    accepted_at, accepted_by_first, accepted_by_second)
SELECT gen_random_uuid(), $1, them.id, plan_id, fee_yen, term_months, names_max, state, applied_at, accepted_at,
    accepted_by_first, accepted_by_second FROM gate.contracts, them WHERE handle = 'acme'
"""
LEFT = """
UPDATE office.notices n SET addressed_at = $2 FROM gate.contracts c
WHERE c.id = n.contract_id AND c.handle = $1 AND n.kind = 'revocation_requested'
"""
KEY = Scope(spki_sha256=sha256(b"k").digest())


async def begun(conn: Conn, pool: Pool, of: str, ground: str = "request") -> tuple[str, bytes, bytes]:
    """A case that two customers' certificates are in, whose notices are on their way; the serial of each."""
    await pool.execute(OTHER, "beta")
    mine, theirs = await issue(pool, "acme", 1, NOW, key=b"k"), await issue(pool, "beta", 2, NOW, key=b"k")
    scope = KEY if of == "key" else Scope(serials=[mine, theirs])
    case = await decided(conn, await opened(conn, ground, scope, "request"))
    assert (await revocations.execute(conn, case, NOW)).case.state == "executing"
    assert (await notices(pool), await revoked(pool)) == (["revocation_requested"] * 2, {})
    return case, mine, theirs


@pytest.mark.rule("T11-5")
@pytest.mark.parametrize(
    ("of", "ground", "code"), [("key", "compromise_asked", 1), ("key", "request", None), ("list", "request", None)]
)
@pytest.mark.parametrize("first", ["acme", "beta"])
async def test_each_customers_notice_leaves_before_its_own_certificates_go(
    accepted: Conn, pool: Pool, of: str, ground: str, code: int | None, first: str
) -> None:
    case, mine, theirs = await begun(accepted, pool, of, ground)
    assert await pool.fetchval("SELECT count(*) FROM ca.blocked_keys") == (1 if code else 0)  # waits for no notice
    await pool.execute(LEFT, first, NOW)
    await swept(accepted, NOW + MINUTE)
    assert await revoked(pool) == {mine if first == "acme" else theirs: code}
    assert (await cases.standing(accepted, case, NOW)).case.state == "executing"
    await pool.execute(LEFT, "beta" if first == "acme" else "acme", NOW)
    await swept(accepted, NOW + 2 * MINUTE)
    assert await revoked(pool) == {mine: code, theirs: code}
    done = (await cases.standing(accepted, case, NOW)).case
    assert (done.state, [(each.contract, each.late) for each in done.notices]) == (
        "revoked", [("acme", None), ("beta", None)],
    )  # fmt: skip
    await publish(pool, NOW + HOUR)
    await swept(accepted, NOW + HOUR)
    assert await told(pool) == [("acme", "revoked"), ("beta", "revoked")]
    assert "certificate_revoked" not in await notices(pool)


@pytest.mark.rule("T11-5")
async def test_whose_notice_does_not_leave_goes_after_five_minutes_and_it_is_on_record(
    accepted: Conn, pool: Pool
) -> None:
    case, mine, theirs = await begun(accepted, pool, "list")
    await pool.execute(LEFT, "acme", NOW)
    await swept(accepted, NOW + 4 * MINUTE)
    assert await revoked(pool) == {mine: None}
    await swept(accepted, NOW + 5 * MINUTE)
    assert await revoked(pool) == {mine: None, theirs: None}
    found = (await cases.standing(accepted, case, NOW)).case
    assert [(each.contract, each.late) for each in found.notices] == [
        ("acme", None), ("beta", "not sent before revoking"),
    ]  # fmt: skip


@pytest.mark.rule("T11-5", "T11-9")
@pytest.mark.std("C-157")
async def test_no_notice_is_waited_for_past_the_deadline(accepted: Conn, pool: Pool) -> None:
    """Decided with eleven minutes left: a CRL takes ten."""
    serial = await issue(pool, "acme", 1, NOW)
    found = await opened(accepted, "request", Scope(serials=[serial]), "request", NOW - DAY + 11 * MINUTE)
    case = await decided(accepted, found)
    await revocations.execute(accepted, case, NOW)
    await swept(accepted, NOW + 59 * MINUTE / 60)
    assert await revoked(pool) == {}
    await swept(accepted, NOW + MINUTE)
    assert await revoked(pool) == {serial: None}
    assert found.deadline_at == NOW + 11 * MINUTE


@pytest.mark.rule("T11-5")
async def test_a_customer_who_comes_after_the_notices_is_told_before_too(accepted: Conn, pool: Pool) -> None:
    """Its certificate with the key was signed while the case waited for the others."""
    case, *_ = await begun(accepted, pool, "key")
    await pool.execute(OTHER, "late")
    last = await issue(pool, "late", 3, NOW, key=b"k")
    for each in ("acme", "beta"):
        await pool.execute(LEFT, each, NOW)
    await swept(accepted, NOW + MINUTE)
    assert (last in await revoked(pool), (await cases.standing(accepted, case, NOW)).case.state) == (False, "executing")
    await pool.execute(LEFT, "late", NOW + MINUTE)
    await swept(accepted, NOW + 2 * MINUTE)
    assert (len(await revoked(pool)), (await cases.standing(accepted, case, NOW)).case.state) == (3, "revoked")


@pytest.mark.rule("T11-5", "T11-8")
async def test_who_asks_for_the_code_of_what_is_revoked_is_told_before_it_changes(accepted: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW, key=b"k")
    await acme_revokes(pool, serial, "requested by its account (A11.3)", "account:1", 4)
    await acme_cases.take_acme(accepted, NOW)
    case = await decided(accepted, await opened(accepted, "compromise_asked", KEY, "request"))
    await revocations.execute(accepted, case, NOW)
    assert await revoked(pool) == {serial: 4}
    await pool.execute(LEFT, "acme", NOW)
    await swept(accepted, NOW + MINUTE)
    assert await revoked(pool) == {serial: 1}


@pytest.mark.rule("T11-5")
async def test_the_letter_before_revoking_names_the_serials(
    accepted: Conn, pool: Pool, office: Pool, posting: Posting
) -> None:
    """Of many the first twenty, and how many more; no other customer's."""
    await pool.execute(OTHER, "beta")
    mine = sorted([await issue(pool, "acme", number, NOW, key=b"k") for number in range(1, 24)])
    theirs = await issue(pool, "beta", 24, NOW, key=b"k")
    case = await decided(accepted, await opened(accepted, "request", KEY, "request"))
    await revocations.execute(accepted, case, NOW)
    await deliver.address_notices(office, NOW, posting=posting)
    kind = "SELECT d.body FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id WHERE n.kind = $1"
    bodies = [row["body"] for row in await pool.fetch(kind, "revocation_requested")]
    [ours] = [body for body in bodies if "契約番号: acme" in body]
    assert f"証明書: {', '.join(each.hex() for each in mine[:20])}、ほか3件\n" in ours
    [other] = [body for body in bodies if body != ours]
    assert f"証明書: {theirs.hex()}\n" in other


@pytest.mark.rule("T11-7")
@pytest.mark.parametrize(
    ("ground", "clause", "ja"),
    [("change_learned", "A11.1.1", "第11条第1項第1号"), ("misissued", "A2.1", "第2条第1項")],
)
async def test_the_letter_after_revoking_rests_on_the_clause_of_the_ground(
    accepted: Conn, pool: Pool, office: Pool, posting: Posting, ground: str, clause: str, ja: str
) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    case = await decided(accepted, await opened(accepted, ground, Scope(serials=[serial]), "confirmed"))
    await revocations.execute(accepted, case, NOW)
    await deliver.address_notices(office, NOW, posting=posting)
    found = await pool.fetchrow(
        "SELECT n.clause, d.body FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id "
        "WHERE n.kind = 'certificate_revoked'"
    )
    assert (found["clause"], ja in found["body"], "第11条第4項" in found["body"]) == (clause, True, False)
    assert serial.hex() in found["body"]
