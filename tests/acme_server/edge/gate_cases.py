"""One fault of the demo contract at a time: how it comes and goes, and the answer it must get (articles.md §0.4)."""

from dataclasses import dataclass

from tests.acme_server.edge.arrange import CONTRACT, OTHER

PERSON = "(SELECT id FROM gate.persons ORDER BY handle LIMIT 1)"
UNPAID = f"""INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen,
        created_at)
    SELECT gen_random_uuid(), {CONTRACT}, 'LATE-77', 'fee', issued_on, due_on, 77777, 77777, now()
    FROM gate.invoices WHERE number = 'DEMO-1'"""
PAID = (
    """INSERT INTO gate.receipts (id, amount_yen, value_on, remitter, source, recorded_at)
    VALUES (gen_random_uuid(), 77777, now()::date, 'REMITTER', 'test', now())""",
    """INSERT INTO gate.payment_matches (id, invoice_id, receipt_id, amount_yen, matched_at)
    SELECT gen_random_uuid(), i.id, r.id, 77777, now()
    FROM gate.invoices i, gate.receipts r WHERE i.number = 'LATE-77'""",
)
OTHER_PERSON = "(SELECT id FROM gate.persons ORDER BY handle DESC LIMIT 1)"
UNLIFT = f"""UPDATE gate.holds SET status = 'lifted', lifted_at = now(),
    lifted_by_first = {PERSON}, lifted_by_second = {OTHER_PERSON}"""
# what no contract does: its states go one way (§0.3)
BACKWARDS = """ALTER TABLE gate.contracts DISABLE TRIGGER contract_moves;
    UPDATE gate.contracts SET %s WHERE handle = 'demo';
    ALTER TABLE gate.contracts ENABLE TRIGGER contract_moves"""
REOPEN = BACKWARDS % "state = 'accepted', ended_at = NULL, end_cause = NULL"
UNACCEPTED = BACKWARDS % (
    "state = 'under_review', accepted_at = NULL, accepted_by_first = NULL, accepted_by_second = NULL"
)
ACCEPTED = f"""UPDATE gate.contracts SET state = 'accepted', accepted_at = now() - interval '1 minute',
    accepted_by_first = {PERSON}, accepted_by_second = {OTHER_PERSON} WHERE handle = 'demo'"""
START = f"""INSERT INTO gate.contract_starts (contract_id, certificate_id, issued_at)
    VALUES ({CONTRACT}, gen_random_uuid(), now() - interval '120 months' - interval '%s')"""
UNSTART = "DELETE FROM gate.contract_starts"
UNDER_REVIEW = "This contract is under review. Contact the CA: {help}"
RENEW = "The term of this contract has ended (Terms A12.1). Renew it, see {help}"
STRANGER = (
    "This account is not bound to a contract by a live binding key (Terms A4.2). Get a new key and register again, "
    "see {help}"
)
NOT_COVERED = (
    "Names of this order are not in the contract or in the scope of its binding key (Terms A4.4). "
    "Leave them out or have them added, see {help}"
)
SUSPENDED = "The service is suspended (Terms A10.1, A22.1). Try again later, see {help}"


@dataclass(frozen=True)
class Fault:
    """Statements that bring the fault and take it away; status, problem type and sentence; whether it ends an order."""

    gate: str
    come: tuple[str, ...]
    go: tuple[str, ...]
    status: int
    type: str
    detail: str
    ends: bool = False


def end(cause: str) -> str:
    """The contract has ended."""
    return f"UPDATE gate.contracts SET state = 'ended', ended_at = now(), end_cause = '{cause}' WHERE handle = 'demo'"


def hold(kind: str) -> str:
    """Somebody suspects something."""
    return f"""INSERT INTO gate.holds (id, contract_id, kind, status, item, reason, set_by, set_at)
    VALUES (gen_random_uuid(), {CONTRACT}, '{kind}', 'suspected', 3, 'SECRET REASON', {PERSON}, now())"""


def key(change: str) -> str:
    """Another state of the binding key."""
    return f"UPDATE gate.binding_keys SET {change} WHERE kid = 'demo'"


FAULTS = {
    "G1 ended": Fault(
        "G1", (end("rescinded"),), (REOPEN,), 403, "unauthorized",
        "This contract gives no certificates. Contact the CA: {help}", ends=True,
    ),
    "G1 not accepted": Fault(
        "G1", (UNACCEPTED,), (ACCEPTED,), 403, "unauthorized",
        "This contract gives no certificates. Contact the CA: {help}", ends=True,
    ),
    "G1 term over": Fault("G1", (START % "40 days",), (UNSTART,), 403, "userActionRequired", RENEW, ends=True),
    "G1 expired": Fault("G1", (end("expired"),), (REOPEN,), 403, "userActionRequired", RENEW, ends=True),
    "G2 no consent": Fault(
        "G2", (f"UPDATE gate.consents SET contract_id = {OTHER}, channel = 'paper' WHERE contract_id = {CONTRACT}",),
        (f"UPDATE gate.consents SET contract_id = {CONTRACT} WHERE channel = 'paper'",), 403, "userActionRequired",
        "No consent to the Terms and the CP/CPS is on record for this contract (Terms A2.1). Give it, see {help}",
    ),
    "G3 incomplete": Fault(
        "G3", ("UPDATE gate.review_items SET verdict = 'pending' WHERE kind = 'address'",),
        ("UPDATE gate.review_items SET verdict = 'positive' WHERE kind = 'address'",), 403, "userActionRequired",
        "The review of the organisation is not complete (Terms A4.2). Send what is missing, see {help}",
    ),
    "G3 stale": Fault(
        "G3", ("UPDATE gate.review_items SET obtained_on = obtained_on - 400",),
        ("UPDATE gate.review_items SET obtained_on = obtained_on + 400",), 403, "userActionRequired",
        "The review of the organisation is too old to issue from (Terms A4.2). Have it renewed, see {help}",
    ),
    "G4 withdrawn": Fault(
        "G4", (key("withdrawn_at = now()"),), (key("withdrawn_at = NULL"),), 403, "unauthorized", STRANGER, ends=True
    ),
    "G4 expired": Fault(
        "G4", (key("expires_at = now()"),), (key("expires_at = NULL"),), 403, "unauthorized", STRANGER, ends=True
    ),
    "G5 name removed": Fault(
        "G5", ("UPDATE gate.contract_names SET removed_at = now() WHERE value = 'demo.test'",),
        ("UPDATE gate.contract_names SET removed_at = NULL",), 400, "rejectedIdentifier", NOT_COVERED, ends=True,
    ),
    "G5 scope of the key": Fault(
        "G5", (key("names = '{127.0.0.0/8}'"),), (key("names = '{.demo.test,127.0.0.0/8}'"),), 400,
        "rejectedIdentifier", NOT_COVERED, ends=True,
    ),
    "G5 more than the plan": Fault(
        "G5", (f"UPDATE gate.contracts SET names_max = 2 WHERE id = {CONTRACT}",),
        (f"UPDATE gate.contracts SET names_max = 3 WHERE id = {CONTRACT}",), 400, "rejectedIdentifier",
        "The contract lists more names than its plan allows (Terms A8.2). Remove some or change the plan, see {help}",
        ends=True,
    ),
    "G6 overdue": Fault(
        "G6", (UNPAID,), PAID, 403, "userActionRequired",
        "A payment for this contract is overdue (Terms A8.1). Pay it, or see {help}",
    ),
    "G7 conduct": Fault("G7", (hold("conduct"),), (UNLIFT,), 403, "unauthorized", UNDER_REVIEW, ends=True),
    "G7 anti-social": Fault("G7", (hold("antisocial"),), (UNLIFT,), 403, "unauthorized", UNDER_REVIEW, ends=True),
    "G8 changed": Fault(
        "G8", (
            f"""INSERT INTO gate.information_changes (id, contract_id, item, in_certificate, learned_at)
            VALUES (gen_random_uuid(), {CONTRACT}, 'organization', true, now())""",
        ),
        ("UPDATE gate.information_changes SET resolved_at = now()",), 403, "userActionRequired",
        "Information in the certificate has changed and the change is not settled (Terms A6.1, A14.1). "
        "Complete it, see {help}",
    ),
    "G9 suspended": Fault(
        "G9", (
            f"""INSERT INTO gate.suspensions (id, clause, cause, starts_at, ends_at, set_by)
            VALUES (gen_random_uuid(), 'A10.1', 'flood', now() - interval '1 hour', now() + interval '2 hours',
                {PERSON})""",
        ),
        ("UPDATE gate.suspensions SET ends_at = now() - interval '1 second'",), 503, "serverInternal", SUSPENDED,
    ),
    "G10 too short": Fault(
        "G10", (
            START % "-4 days",
            f"""INSERT INTO gate.readings (key, effective_at, value, set_by_first, set_by_second)
            SELECT 'cert.min_lifetime', accepted_at, '10', accepted_by_first, accepted_by_second
            FROM gate.contracts WHERE id = {CONTRACT}""",
        ),
        (UNSTART,), 403, "userActionRequired",
        "Too little of the contract's term is left for a certificate (Terms A12.1). Renew the contract, see {help}",
    ),
}  # fmt: skip
