"""What each role can do to each table, found by trying (design §9)."""

from collections.abc import Iterable

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.articles.article_16_secrecy import RETENTION
from tests.conftest import TEMPLATE

ROLES = ("acme", "office", "status", "work", "sign", "seal", "operator", "compliance", "auditor")
Rights = dict[tuple[str, str], set[str]]
_found: Rights = {}

TABLES = """
SELECT c.oid::regclass::text AS name, array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace::regnamespace::text IN ('keiyaku', 'evidence', 'gate', 'ca', 'acme', 'office')
    AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
GROUP BY c.oid
"""

# What the contract, the payments and the reviews say. Only people write it, through the operators' commands.
CONTRACTS = {
    f"gate.{name}"
    for name in (
        "persons", "customers", "texts", "plans", "contracts", "contract_names", "consents", "review_items",
        "reviewed_subjects", "binding_keys", "invoices", "receipts", "payment_matches", "bank_accounts", "bank_days",
        "holidays", "holds", "information_changes", "suspensions", "readings",
    )
}  # fmt: skip


# Runs every statement that is not refused for lack of a privilege; the caller rolls all of it back.
TRY = """
DO $$
DECLARE
    statement text;
    able text[] := '{}';
BEGIN
    FOREACH statement IN ARRAY current_setting('test.statements')::text[] LOOP
        BEGIN
            EXECUTE statement;
            able := able || statement;
        EXCEPTION
            WHEN insufficient_privilege THEN NULL;
            WHEN feature_not_supported OR datatype_mismatch OR object_not_in_prerequisite_state THEN
                able := able || statement;
        END;
    END LOOP;
    PERFORM set_config('test.able', able::text, true);
END $$
"""


async def able(postgres: EmbeddedPostgres, role: str, statements: Iterable[str]) -> set[str]:
    """Those of the statements that the role may run; nothing of it remains."""
    conn = await asyncpg.connect(postgres.dsn(user=f"keiyaku_{role}", database=TEMPLATE))
    transaction = conn.transaction()
    await transaction.start()
    await conn.execute("SELECT set_config('test.statements', $1::text[]::text, true)", list(statements))
    await conn.execute(TRY)
    found = await conn.fetchval("SELECT current_setting('test.able')::text[]")
    await transaction.rollback()
    await conn.close()
    return set(found)


@pytest.fixture
async def rights(postgres: EmbeddedPostgres) -> Rights:
    """(role, verb) -> tables; but for DELETE and TRUNCATE also `table.column`. Tried once."""
    if not _found:
        owner = await asyncpg.connect(postgres.dsn(database=TEMPLATE))
        attempts = attempts_at((row["name"], row["columns"]) for row in await owner.fetch(TABLES))
        await owner.close()
        for role in ROLES:
            done = await able(postgres, role, attempts)
            for verb in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                reached = [attempts[statement] for statement in done if statement.startswith(verb)]
                _found[role, verb] = {name for pair in reached for name in pair}
    return _found


def attempts_at(tables: Iterable[tuple[str, list[str]]]) -> dict[str, tuple[str, ...]]:
    """Statements, each with the table and column it reaches."""
    attempts: dict[str, tuple[str, ...]] = {}
    for table, columns in tables:
        attempts[f"DELETE FROM {table} WHERE false"] = (table,)
        attempts[f"TRUNCATE {table}"] = (table,)
        for column in columns:
            reached = (table, f"{table}.{column}")
            attempts[f"SELECT {column} FROM {table} WHERE false"] = reached
            attempts[f"INSERT INTO {table} ({column}) OVERRIDING SYSTEM VALUE SELECT NULL WHERE false"] = reached
            attempts[f"UPDATE {table} SET {column} = DEFAULT WHERE false"] = reached
    return attempts


def writers(rights: Rights, table: str, verb: str) -> set[str]:
    return {role for role in ROLES if table in rights[role, verb]}


def written(rights: Rights, role: str) -> set[str]:
    """Tables the role can change in any way."""
    return {
        table
        for verb in ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
        for table in rights[role, verb]
        if table.count(".") == 1
    }


def test_matrix_is_of_the_whole_schema(rights: Rights) -> None:
    assert rights["operator", "SELECT"] >= CONTRACTS
    assert {"acme.orders", "ca.certificates", "evidence.records"} <= rights["operator", "SELECT"]


@pytest.mark.std("C-172", "C-173")
@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_ever_deleted_but_jobs_that_are_done_and_crls_long_replaced(rights: Rights, role: str) -> None:
    assert rights[role, "TRUNCATE"] == set()
    deleted = {"acme": {"acme.jobs"}, "work": {"acme.jobs", "ca.crls"}}
    assert rights[role, "DELETE"] == deleted.get(role, set())


# What the office's daily jobs and its API write of them, on behalf of people: no price, plan or reading, and of an
# invoice that its dealer says it was not paid (T8-16).
OF_THE_OFFICE = CONTRACTS - {"gate.plans", "gate.readings"}


@pytest.mark.parametrize("role", [role for role in ROLES if role != "operator"])
def test_processes_cannot_write_contracts_payments_or_reviews(rights: Rights, role: str) -> None:
    assert written(rights, role) & CONTRACTS == (OF_THE_OFFICE if role == "office" else set())
    assert written(rights, "operator") & CONTRACTS == CONTRACTS
    assert "gate.invoices" not in rights["office", "INSERT"]


@pytest.mark.rule("T16-2")
def test_office_changes_of_what_is_written_this_alone(rights: Rights) -> None:
    changed = {name for name in rights["office", "UPDATE"] if name.count(".") == 2 and name.startswith("gate.")}
    assert changed == {
        "gate.contracts.state", "gate.contracts.accepted_at", "gate.contracts.accepted_by_first",
        "gate.contracts.accepted_by_second", "gate.contracts.ended_at", "gate.contracts.end_cause",
        "gate.contract_names.removed_at", "gate.binding_keys.withdrawn_at", "gate.successions.ends_at",
        "gate.holds.status", "gate.holds.confirmed_at", "gate.holds.confirmed_by_first",
        "gate.holds.confirmed_by_second", "gate.holds.lifted_at", "gate.holds.lifted_by_first",
        "gate.holds.lifted_by_second", "gate.bank_accounts.closed_by_first",
        "gate.bank_accounts.closed_by_second", "gate.bank_accounts.closed_from",
        "gate.bank_accounts.covered_from", "gate.bank_accounts.covered_through",
        "gate.payment_matches.undone_at",
        "gate.receipts.cancelled_at", "gate.receipts.spent", "gate.free_reissues.case_id", "gate.free_reissues.ends_at",
        "gate.free_reissues.granted_at", "gate.customers.name", "gate.customers.contact_email",
        "gate.holidays.name", "gate.holidays.removed_at",
        "gate.information_changes.resolved_at", "gate.contracts.customer_id", "gate.invoices.dealer_states_default",
        "gate.suspensions.ends_at", "gate.formation_notices.dispatched_at",
    }  # fmt: skip


@pytest.mark.rule("T16-2", "T5-5")
@pytest.mark.parametrize("role", ROLES)
def test_what_is_known_of_people_is_overwritten_by_what_people_report_alone(rights: Rights, role: str) -> None:
    """All else goes by date, through functions of the owner's: office.destroy_past, office.pseudonymise."""
    columns = {column for each in RETENTION.values() for column in each.columns}
    reported = {  # T5-2, T6-1, T8-14; the address of a letter is the one registered when it is sent
        "office.contacts.postal_address", "office.recipients.name", "office.recipients.email",
        "office.applications.representative", "gate.customers.name", "gate.customers.contact_email",
        "office.deliveries.address",
        "office.deliveries.last_error", "office.screenings.source", "office.screenings.grounds",
    }  # fmt: skip
    if role == "acme":
        reported |= {"acme.accounts.contacts"}
    if role != "operator":
        assert rights[role, "UPDATE"] & columns - reported == set()
    assert not {n for n in rights[role, "UPDATE"] if n.startswith(("office.notices.given", "office.deliveries.body"))}


def test_auditors_and_compliance_write_nothing(rights: Rights) -> None:
    assert (written(rights, "auditor"), written(rights, "compliance")) == (set(), set())


@pytest.mark.rule("T13-3")
def test_compliance_reads_screenings_and_holds(rights: Rights) -> None:
    assert {n for n in rights["compliance", "SELECT"] if n.count(".") == 1} == {
        "gate.persons", "gate.contracts", "gate.holds", "office.screenings",
    }  # fmt: skip


@pytest.mark.rule("T16-3")
def test_auditors_read_what_their_commands_show(rights: Rights) -> None:
    assert {n for n in rights["auditor", "SELECT"] if n.count(".") == 1} == {
        "gate.persons", "gate.customers", "gate.contracts", "gate.contract_starts", "gate.readings",
        "ca.certificates", "ca.precertificates", "ca.to_be_signed", "ca.revocations", "acme.issuances",
        "office.case_certificates", "office.cases",
        "office.problem_reports", "office.departures", "office.access_reviews", "office.requesters", "office.tokens",
        "office.audit_samples", "office.sampled_certificates",
    }  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_nobody_but_the_database_says_who_vouched(rights: Rights, role: str) -> None:
    for verb in ("SELECT", "INSERT", "UPDATE"):
        assert {n for n in rights[role, verb] if n.startswith("office.vouched")} == set()


def test_office_makes_no_token_for_itself(rights: Rights) -> None:
    assert writers(rights, "office.tokens", "INSERT") == {"operator"}
    assert {n for n in rights["office", "UPDATE"] if n.startswith("office.tokens.")} == {"office.tokens.last_used_on"}


@pytest.mark.parametrize(
    ("table", "inserters"),
    [
        ("ca.certificates", {"sign"}),
        ("ca.crls", {"sign", "operator"}),
        ("gate.decisions", {"acme", "work"}),
        ("gate.binding_uses", {"acme"}),
        ("gate.contract_starts", set()),
        ("evidence.checkpoints", {"seal"}),
        ("evidence.seal_state", set()),
        ("keiyaku.migrations", set()),
        ("office.certificate_imports", {"operator"}),
        ("acme.limit_overrides", {"office", "operator"}),
        ("gate.tax_rates", set()),  # two people, through gate.add_tax_rate
        ("office.sellers", {"office", "operator"}),  # through the API too, as office.bank_dialects
        ("office.transfer_accounts", {"office", "operator"}),
        ("office.bank_dialects", {"office", "operator"}),
    ],
)
def test_only_these_insert(rights: Rights, table: str, inserters: set[str]) -> None:
    assert writers(rights, table, "INSERT") == inserters


@pytest.mark.parametrize(
    "table",
    [
        "ca.certificates", "ca.serials", "ca.crls", "ca.issuers", "ca.blocked_keys", "gate.decisions",
        "gate.binding_uses", "gate.contract_starts", "gate.consents", "gate.review_items", "gate.reviewed_subjects",
        "gate.readings", "evidence.records", "evidence.checkpoints", "keiyaku.migrations",
        "gate.texts", "gate.tax_rates", "office.sellers", "office.transfer_accounts",
    ],
)  # fmt: skip
def test_what_was_written_stays_as_it_is(rights: Rights, table: str) -> None:
    assert writers(rights, table, "UPDATE") == set()


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("contacts", {"language", "postal_address", "stale_since"}),  # T5-2, T5-3
        ("recipients", {"name", "email", "language"}),
        ("terms_changes", {"announced_at", "withdrawn_at"}),  # what was told of new Terms stays
        ("maintenance", {"suspension_id"}),
        ("service_end", {"cause", "ends_on", "certificates", "notice_id", "decided_by_first", "decided_by_second",
                         "decided_at", "suspension_id"}),
        ("register_states", {"name", "prefecture", "city", "street", "closed_on", "successor", "checked_at"}),
        ("screenings", {"verdict", "source", "grounds", "checked_by", "checked_at"}),
        ("proposals", {"confirmed_by", "confirmed_at", "withdrawn_by", "withdrawn_at"}),
    ],
)  # fmt: skip
def test_office_changes_these_columns_alone(rights: Rights, table: str, columns: set[str]) -> None:
    prefix = f"office.{table}."
    assert {n.removeprefix(prefix) for n in rights["office", "UPDATE"] if n.startswith(prefix)} == columns


def test_how_a_bank_writes_is_ended_by_those_who_correct_it(rights: Rights) -> None:
    changed = {(role, n) for role in ROLES for n in rights[role, "UPDATE"] if n.startswith("office.bank_dialects.")}
    assert changed == {(role, "office.bank_dialects.ended_at") for role in ("office", "operator")}


def test_an_invoice_stays_as_it_is_but_for_a_dealers_word(rights: Rights) -> None:
    changed = {(role, n) for role in ROLES for n in rights[role, "UPDATE"] if n.startswith("gate.invoices.")}
    assert changed == {(role, "gate.invoices.dealer_states_default") for role in ("office", "operator")}  # T8-16


RECORD = {
    "id", "issuer_id", "admission_id", "serial", "profile", "tbs", "names", "spki_sha256", "not_before", "not_after",
    "shard", "deadline_at", "created_at",
}  # fmt: skip
PRECERTIFICATE, FINAL = {"id", "der", "signed_at", "spki_sha256"}, {"id", "tbs", "recorded_at"}


@pytest.mark.std("C-124", "C-125")
@pytest.mark.parametrize(
    ("table", "verb", "allowed"),
    [
        ("ca.to_be_signed", "INSERT", {"acme": RECORD, "work": RECORD}),  # neither signed nor begun: as they default
        ("ca.to_be_signed", "UPDATE", {"sign": {"state", "signing_at"}}),  # the mark comes before an HSM (design §4.5)
        ("ca.precertificates", "INSERT", {"sign": PRECERTIFICATE}),
        ("ca.precertificates", "UPDATE", {}),
        ("ca.final_records", "INSERT", {"acme": FINAL, "work": FINAL}),
        ("ca.final_records", "UPDATE", {"sign": {"signing_at"}}),
        ("ca.certificates", "UPDATE", {}),
    ],
)
def test_only_the_signer_says_what_is_signed(
    rights: Rights, table: str, verb: str, allowed: dict[str, set[str]]
) -> None:
    prefix = f"{table}."
    found = {role: {n.removeprefix(prefix) for n in rights[role, verb] if n.startswith(prefix)} for role in ROLES}
    assert {role: columns for role, columns in found.items() if columns} == allowed


@pytest.mark.parametrize(
    ("table", "inserters", "updated"),
    [
        ("issuances", {"acme", "work"}, {}),
        ("account_keys", {"acme"}, {"acme": {"retired_at"}}),
        ("nonce_epoch", {"acme", "work"}, {}),
        ("spent_nonces", {"acme"}, {}),
        (
            "renewal_windows",
            {"operator", "office"},
            {
                "operator": {"serial", "starts_at", "ends_at", "explanation_url"},
                "office": {"starts_at", "ends_at", "explanation_url"},  # incidents (C-166)
            },
        ),
    ],
)
def test_what_ties_accounts_orders_and_certificates_stays(
    rights: Rights, table: str, inserters: set[str], updated: dict[str, set[str]]
) -> None:
    assert writers(rights, f"acme.{table}", "INSERT") == inserters
    prefix = f"acme.{table}."
    changed = {role: {n.removeprefix(prefix) for n in rights[role, "UPDATE"] if n.startswith(prefix)} for role in ROLES}
    assert {role: columns for role, columns in changed.items() if columns} == updated


def test_worker_changes_only_what_its_jobs_change(rights: Rights) -> None:
    assert {n for n in rights["work", "UPDATE"] if n.count(".") == 1} == {
        "acme.authorizations", "acme.orders", "acme.jobs", "acme.failures", "gate.bill_drafts",
        "ca.publications",
    }  # fmt: skip


def test_evidence_says_itself_when_it_was_written(rights: Rights) -> None:
    """The era and the transaction id are the database's, so no row can be slipped into a sealed range."""
    for role in ROLES:
        given = {n.rpartition(".")[2] for n in rights[role, "INSERT"] if n.startswith("evidence.records.")}
        assert given <= {"id", "kind", "contract_id", "actor", "recorded_at", "content"}
    assert writers(rights, "evidence.records", "INSERT") == {"acme", "office", "work", "sign", "operator"}


def test_sealer_writes_checkpoints_only(rights: Rights) -> None:
    assert written(rights, "seal") == {"evidence.checkpoints", "evidence.seal_state"}
    assert {n.partition(".")[0] for n in rights["seal", "SELECT"]} == {"evidence", "keiyaku"}


def test_signer_writes_what_it_signed_only(rights: Rights) -> None:
    assert written(rights, "sign") == {
        "ca.certificates", "ca.crls", "ca.to_be_signed", "ca.revocations", "evidence.records", "ca.serials",
        "ca.responders", "ca.ocsp_responses", "ca.precertificates", "ca.final_records",
    }  # fmt: skip
    assert "gate.decisions.facts" not in rights["sign", "SELECT"]


def test_status_reads_public_data_and_writes_nothing(rights: Rights) -> None:
    assert written(rights, "status") == set()
    assert {n for n in rights["status", "SELECT"] if n.count(".") == 1} == {
        "ca.issuers", "ca.crls", "ca.cross_certificates", "ca.ocsp_responses", "keiyaku.migrations",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("secret", "readers"),
    [
        ("acme.nonce_epoch.mac_key", {"acme", "work"}),
        ("gate.binding_keys.hmac_key", {"acme", "work", "operator"}),
        ("gate.persons.name", {"operator", "office"}),
        ("gate.receipts.remitter", {"operator", "office"}),
        ("gate.holds.reason", {"operator", "compliance"}),
        ("office.screenings.grounds", {"compliance"}),
        ("gate.customers.contact_email", {"acme", "work", "operator", "office"}),
    ],
)
def test_readers_of_what_not_everybody_may_see(rights: Rights, secret: str, readers: set[str]) -> None:
    assert {role for role in ROLES if secret in rights[role, "SELECT"]} <= readers


@pytest.mark.parametrize(
    ("call", "callers"),
    [
        ("keiyaku.ensure_partitions('2026-11-22', 1)", {"work"}),
        ("acme.truncate_slot(0::smallint)", {"work"}),
        ("ca.void_record('00000000-0000-0000-0000-000000000000')", {"acme", "work"}),
        ("gate.record_invoice(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)", {"office", "operator"}),
        ("keiyaku.months_ahead('2026-11-22')", {"acme", "work", "operator"}),
        ("keiyaku.cluster_identity()", {"seal", "sign", "operator"}),
        (f"ca.import_certificate({', '.join(['NULL'] * 16)}) WHERE false", {"operator"}),
        ("ca.import_serials(NULL, NULL, NULL, NULL, NULL)", {"operator"}),
        *(
            (f"office.{name}('00000000-0000-0000-0000-000000000000'{more})", callers)
            for name, more, callers in (
                ("vouch_first", ", '', '2026-11-22'", {"office"}),
                ("vouch_second", ", '', '2026-11-22'", {"office"}),
                ("first_stands", "", {"operator"}),
                ("set_reading", "", {"office"}),
                ("add_plan", ", '00000000-0000-0000-0000-000000000000'", {"office"}),
                ("close_plan", "", {"office"}),
                ("make_token", ", '00000000-0000-0000-0000-000000000000', ''", {"office"}),
                ("withdraw_token", ", '', '2026-11-22'", {"office"}),
                ("leave", "", {"office"}),
                ("close_access_review", ", '00000000-0000-0000-0000-000000000000', 1", {"office"}),
                ("carry_out", ", 'reading.set'", set[str]()),
            )
        ),
    ],
)
async def test_callers_of_functions(postgres: EmbeddedPostgres, call: str, callers: set[str]) -> None:
    assert {role for role in ROLES if await able(postgres, role, [f"SELECT {call}"])} == callers


@pytest.mark.parametrize("role", ROLES)
async def test_roles_make_nothing_of_their_own(postgres: EmbeddedPostgres, role: str) -> None:
    attempts = [
        "CREATE TABLE public.own (n integer)",
        "CREATE TABLE acme.own (n integer)",
        "CREATE ROLE another",
        "SET ROLE postgres",
        "ALTER TABLE evidence.records ALTER COLUMN era SET DEFAULT 2",
        "ALTER TABLE evidence.records DISABLE TRIGGER ALL",
        "DROP TABLE evidence.checkpoints",
    ]
    assert await able(postgres, role, attempts) == set()
