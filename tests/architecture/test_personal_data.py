"""Every column that may hold data of a person has its retention, or a reason why it holds none (T16-2)."""

import re

import pytest

from contract_gate.articles.article_16_secrecy import RETENTION
from sql import Pool

SAYS_PERSON = re.compile(
    r"name|mail|contact|payer|remitter|buyer|dealer|reporter|representative|applicant|recipient|address|phone|street|"
    r"city|subject|body|given|arguments|reason|note|grounds|cause|what|findings|transcript|handle|held_by|organi[sz]ation|"
    r"label|actor|requested_by|upgraded_by|locked_by|edi|source|successor|content|sealed|error|query$|title|affected|"
    r"measures|confirmed_from|key$|host|words|person"
)
COLUMNS = """
SELECT n.nspname || '.' || c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('acme', 'ca', 'evidence', 'gate', 'keiyaku', 'office') AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype, 'bytea'::regtype, 'bytea[]'::regtype)
"""
NAMING = """
SELECT f.conrelid::regclass::text || '.' || a.attname FROM pg_constraint f
JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
WHERE f.confrelid = 'gate.persons'::regclass AND f.contype = 'f'
"""
SAYS_ID = re.compile(r"(_by|_by_first|_by_second|person|person_id|first_person|second_person|owner_id|deputy_id)$")
NOT_PERSONAL = {
    "what owners of domains publish for such reports; gone two days after the letter": (
        "acme.caa_reports.address",
    ),
    "names of hosts, as certificates show them": (
        "acme.failures.name", "acme.orders.names", "ca.certificates.names", "ca.to_be_signed.names",
        "gate.binding_keys.names", "gate.decisions.names", "office.seal_uses.host",
    ),
    "the organisation, its name and seat, as public certificates show them": (
        "gate.reviewed_subjects.organization", "office.change_reports.organization",
    ),
    "of companies in the public register of corporate numbers": (
        "office.register_states.city", "office.register_states.name", "office.register_states.street",
        "office.register_states.successor",
    ),
    "companies that the CA works with, and the CA itself": (
        "gate.invoices.dealer", "gate.open_invoices.dealer", "gate.persons.organisation", "office.applications.dealer",
        "office.dealer_aliases.dealer", "office.invoice_papers.dealer", "office.invoice_papers.seller_address",
        "office.sellers.address", "office.sellers.name",
        "office.subcontractors.organisation", "office.transfer_accounts.bank_name",
        "office.transfer_accounts.branch_name", "office.transfer_accounts.holder",
    ),
    "what the CA itself has and how it calls it": (
        "acme.limit_overrides.name", "acme.limits.name", "ca.issuers.name", "gate.bank_accounts.handle",
        "gate.contracts.handle", "gate.holidays.name", "gate.plans.handle", "gate.plans.name", "gate.readings.key",
        "keiyaku.migrations.name", "office.bank_files.name", "office.recipients.role",
    ),
    "one of a few fixed words": (
        "gate.contracts.end_cause", "office.deliveries.recipient", "office.endings.cause",
        "office.rejections.reason_code", "office.settlements.end_cause",
    ),
    "an id, of an account, a person, a process or a row": (
        "acme.jobs.locked_by", "acme.jobs.subject", "ca.responders.held_by", "ca.revocations.requested_by",
        "ca.revocations.upgraded_by", "evidence.records.actor", "office.acme_revocations.requested_by",
        "office.tasks.subject",
    ),
    "what evidence says refers to people by id (T16-3): tests/acceptance/test_two_years.py looks": (
        "evidence.records.content",
    ),
    "words of the CA about its own doing, in which people are named by id alone (docs/changes.md)": (
        "acme.limit_overrides.reason", "gate.suspensions.cause", "office.access_reviews.findings",
        "office.adjustments.reason", "office.line_outcomes.note", "office.case_decisions.reason", "office.cases.note",
        "office.consultations.reason", "office.eligibility_approvals.grounds",
        "office.incidents.query", "office.incidents.title", "office.leaks.affected", "office.leaks.measures",
        "office.maintenance.reason", "office.problem_reports.findings", "office.refunds.reason",
        "office.service_end.cause", "office.settlements.reason", "office.terms_changes.reason",
        "office.timer_extensions.reason", "ca.authority_compromises.note", "ca.authority_revocations.note",
        "ca.blocked_keys.cause",
    ),
    "where a record is from: a register, a directory, a file and its line": (
        "ca.log_lists.source", "gate.bank_days.source", "gate.receipts.source", "gate.review_items.source",
        "office.audit_samples.seed_source", "office.call_backs.number_source", "office.change_reports.confirmed_from",
    ),
    "keys, hashes, signatures and what machines said to each other": (
        "acme.accounts.public_key", "acme.authorizations.challenge_error", "acme.jobs.last_error",
        "acme.nonce_epoch.mac_key", "acme.orders.error", "ca.log_lists.content", "gate.binding_keys.hmac_key",
        "gate.binding_keys.label", "gate.decisions.findings", "office.deliveries.body_sha256",
    ),
    "networks, forgotten within hours (acme.forget_limits)": ("acme.limits.subject",),
    "forgotten after a day, and nobody has the key (office.forget_answers)": (
        "office.idempotency_keys.key", "office.idempotency_keys.sealed", "office.open_answers.sealed",
    ),
}  # fmt: skip
SPARED = [column for columns in NOT_PERSONAL.values() for column in columns]
KEPT = {column for each in RETENTION.values() for column in each.columns}


@pytest.mark.rule("T16-2")
async def test_each_column_that_says_person_has_its_retention_or_a_reason(pool: Pool) -> None:
    columns = {row[0] for row in await pool.fetch(COLUMNS)}
    say = {column for column in columns if SAYS_PERSON.search(column.rpartition(".")[2])}
    assert say - KEPT - set(SPARED) == set(), (
        "name each in contract_gate/articles/article_16_secrecy.py, with a statement of office.destroy_past that "
        "destroys it, or say in NOT_PERSONAL why it is nobody's"
    )
    assert columns >= KEPT
    assert columns >= set(SPARED)


@pytest.mark.rule("T16-2")
async def test_a_new_column_with_data_of_a_person_is_seen(pool: Pool) -> None:
    await pool.execute("ALTER TABLE office.contacts ADD COLUMN telephone text")
    columns = {row[0] for row in await pool.fetch(COLUMNS)}
    say = {column for column in columns if SAYS_PERSON.search(column.rpartition(".")[2])}
    assert say - KEPT - set(SPARED) == {"office.contacts.telephone"}


@pytest.mark.rule("T16-2")
async def test_whoever_is_named_by_id_is_found_by_a_foreign_key(pool: Pool) -> None:
    """Of those gate.still_named knows whether a record that is kept needs them."""
    ids = {row[0] for row in await pool.fetch(COLUMNS.split("AND a.atttypid")[0] + "AND a.atttypid = 'uuid'::regtype")}
    found = {row[0] for row in await pool.fetch(NAMING)}
    assert {column for column in ids if SAYS_ID.search(column)} - found == set()
    assert len(found) > 60
    text = await pool.fetchval("SELECT prosrc FROM pg_proc WHERE oid = 'office.pseudonymise'::regproc")
    of_customers = set(re.findall(r"'((?:gate|office)\.\w+\.\w+)'", text))
    assert len(of_customers) == 8
    assert of_customers <= found


def test_no_column_is_spared_that_has_a_retention() -> None:
    assert KEPT & set(SPARED) == set()
    assert len(SPARED) == len(set(SPARED))
