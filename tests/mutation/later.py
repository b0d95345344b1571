"""Who hears of a refusal by CAA; money given up that comes after all; dates, cursors, pseudonyms, trials, lists.

Not here, as nothing would change: which of a rest and of what was given up is less where the match counts both again.
"""

from tests.mutation.mutations import Mutation, off, without

OFFICE, USE_CASES, TESTS, API = (
    "office/use_cases",
    "acme_server/use_cases",
    "tests/office/use_cases",
    "tests/office/edge/api",
)
REPORTS, T_REPORTS = f"{USE_CASES}/caa_reports.py", "tests/acme_server/use_cases/test_caa_reports.py"
TOLD, FEW = (
    f"{T_REPORTS}::test_the_owner_is_told_once_a_day",
    f"{T_REPORTS}::test_a_zone_that_names_many_makes_few_letters",
)
AWAY = f"{T_REPORTS}::test_letters_of_another_day_or_contract_keep_none_away"
OWN = f"{T_REPORTS}::test_an_address_is_of_the_domain_itself"
REPORTS_SQL, CAA = "sql/acme_server/caa_reports.sql", "acme_server/validation/caa.py"
IODEF = "tests/acme_server/validation/test_caa.py::test_what_iodef_says_is_bounded"
TWICE = "test_what_is_given_up_twice_has_no_more_tax_than_the_invoice"
TAX_TEST = "test_the_tax_in_a_bad_debt_is_taken_back_and_owed_again_as_it_is_paid"
LEDGER, BOOKS = f"{OFFICE}/ledger.py", "sql/office/money_books.sql"
RECOVERED = f"{TESTS}/test_books.py::test_what_was_given_up_and_is_paid_after_all_is_earned_again"
DEBTS, TAXED = f"{OFFICE}/bad_debts.py", f"{TESTS}/test_books.py::{TAX_TEST}"
T_HOLD, T_JOURNAL = f"{TESTS}/test_books_hold.py::test_the_books_hold", f"{TESTS}/test_journal.py"
CLOSING = f"{TESTS}/test_books_hold.py::test_what_meets_the_close_of_a_month_says_so"
T_RECOVERIES = f"{TESTS}/test_recoveries.py"
BOOKED = f"{TESTS}/test_books_hold.py::test_no_month_is_closed_while_a_bank_file_is_booked"
PEOPLE, GONE = "sql/office/people.sql", f"{TESTS}/test_retention.py::test_a_pseudonym_is_named_for_nothing_new"
TOGETHER = (
    f"{TESTS}/test_change_reports.py::test_no_other_contract_of_the_customer_is_accepted_while_a_report_is_recorded"
)
TRIAL, T_TRIAL = f"{OFFICE}/trial.py", f"{API}/test_trial.py"
CURSORS, T_CURSORS = "office/edge/api/cursors.py", f"{API}/test_pages.py::test_a_cursor_leads_on_in_its_listing_alone"
LISTS, T_LISTS = "ca/log_lists.py", "tests/ca/test_log_lists.py"
VERIFY, T_VERIFY = "acme_server/evidence_verify.py", "tests/acme_server/test_evidence_verify.py"
DESTROYED = f"{T_VERIFY}::test_a_transcript_is_destroyed_at_its_date_and_evidence_says_so"
TRANSCRIPTS = f"{T_VERIFY}::test_transcripts_are_those_of_which_evidence_has_the_hash"
RESCINDED = f"{TESTS}/test_life.py::test_a_hit_holds_a_running_contract_and_only_compliance_reads_why"
INSTANTS = "tests/acme_server/test_instants.py"
INCIDENTS = f"{OFFICE}/incidents.py"
BEGINS = f"{TESTS}/test_incidents.py::test_what_was_closed_or_has_begun_is_not_proposed_to_begin"
IN_TIME = f"{TESTS}/test_incidents.py::test_a_pace_that_misses_the_deadline_is_refused_but_being_late_never_stops_it"
ENDS = f"{TESTS}/test_duties.py::test_a_day_for_which_somebody_was_told_too_late_ends_nothing"
DATED = f"{TESTS}/test_deliver.py::test_a_date_of_a_report_is_of_our_time_and_says_its_zone"
SERVES = f"{TESTS}/test_keys.py::test_a_key_serves_its_contract_and_those_that_follow_it_alone"
EXPLAINED = f"{TESTS}/test_demo.py::test_a_key_is_explained_for_the_contract_that_it_serves_alone"

CAA_TOLD = [
    Mutation(REPORTS, 'akin(address.rpartition("@")[2].lower(), failed.forbidden_by.domain)', "True", OWN),
    *without(REPORTS, OWN, " and not is_public_suffix(upper)", "lower == upper or ", ".lower()"),
    Mutation(REPORTS, 'lower.endswith(f".{upper}")', "lower.endswith(upper)", OWN),
    *without(REPORTS_SQL, FEW, " WHERE ordinal < 10"),
    Mutation(REPORTS_SQL, "WHERE r.contract_id = s.contract_id AND r.forbidden_on", "WHERE r.forbidden_on", AWAY),
    Mutation(
        REPORTS_SQL, "r.contract_id = s.contract_id AND r.forbidden_on = $6", "r.contract_id = s.contract_id", AWAY
    ),
    *without(REPORTS_SQL, TOLD, "\nON CONFLICT DO NOTHING"),
    Mutation("sql/office/caa_reports.sql", "told_at IS NULL AND address", "address", TOLD),
    Mutation("sql/office/caa_reports.sql", "WHERE told_at < $1", "WHERE $1::timestamptz > 'epoch'", TOLD),
    Mutation("sql/migrations/0054_caa_reports.sql", "CREATE UNIQUE INDEX caa", "CREATE INDEX caa", FEW),
    *without(f"{USE_CASES}/validate.py", TOLD, " or not context.caa_reports"),
    Mutation(f"{USE_CASES}/validate.py", "outcome=status, seen=evident(outcome)", "outcome=status, seen=outcome", TOLD),
    *without(f"{USE_CASES}/resume.py", TOLD, " if context.caa_reports else None"),
    *without(CAA, IODEF, " and r.value.isascii()", " and len(r.value) <= LONGEST_IODEF", "[:MOST_IODEF]"),
]
MONEY = [
    *off(LEDGER, RECOVERED, "(await payments.invoice(conn, number)).open_yen"),
    *off(LEDGER, RECOVERED, "yen <= 0"),
    Mutation(
        BOOKS,
        "WHERE invoice_id = $1 AND kind <> 'credit'",
        "WHERE invoice_id = $1",
        T_HOLD,
    ),
    Mutation(BOOKS, "gate.receipts WHERE id = $1 AND cancelled_at IS NULL", "gate.receipts WHERE id = $1", RECOVERED),
    Mutation(DEBTS, "divided(yen * given_up.tax_yen, given_up.yen,", "divided(given_up.tax_yen, 1,", TAXED),
    Mutation(DEBTS, "sum(tax for _, tax in lines) - before.tax_yen", "own", f"{TESTS}/test_books.py::{TWICE}"),
    *without(BOOKS, T_JOURNAL, " AND i.issued_on < l.posted_on", " AND r.recorded_at < l.sealed_at"),
    Mutation(
        BOOKS,
        "CASE WHEN $4 >= begins AND $4 < ends THEN $5::uuid ELSE nowhere.id END AS id",
        "$5::uuid AS id",
        T_JOURNAL,
    ),
    Mutation(BOOKS, "least(greatest($4::timestamptz, begins), ends)", "greatest($4::timestamptz, begins)", T_JOURNAL),
    Mutation(
        BOOKS, "CASE WHEN posted_on = $3 AND $4 >= at THEN $5 ELSE", "CASE WHEN posted_on = $3 THEN $5 ELSE", T_JOURNAL
    ),
    *without("sql/office/revocations.sql", T_RECOVERIES, " AND a.kind <> 'recovery'"),
    *without(
        "sql/migrations/0049_recoveries.sql", T_RECOVERIES, ",\n    ADD CHECK ((kind = 'recovery') = (amount_yen < 0))"
    ),
    *off(LEDGER, BOOKED, "not await money_books.no_import(conn)"),
    Mutation("sql/office/bank_files.sql", "NOT pg_try_advisory_xact_lock_shared(7201, 2)", "false", CLOSING),
    Mutation("sql/migrations/0047_api_ground.sql", " WHERE given !~ '^[FDC][0-9]{8}$'", "", f"{API}/test_ledger.py"),
]
NAMED = [
    Mutation(PEOPLE, "WHERE p.handle = $1 AND p.personal_data_destroyed_at IS NULL", "WHERE p.handle = $1", GONE),
    Mutation(PEOPLE, "WHERE handle = $1 AND personal_data_destroyed_at IS NULL", "WHERE handle = $1", GONE),
    *without("sql/office/renewals.sql", GONE, " AND u.personal_data_destroyed_at IS NULL"),
    *without("sql/office/bank_lines.sql", GONE, " AND personal_data_destroyed_at IS NULL\n"),
    Mutation(
        "sql/office/change_reports.sql",
        "o.id = c.id OR o.state NOT IN",
        "o.id = c.id OR false AND o.state IN",
        TOGETHER,
    ),
    Mutation(
        f"{OFFICE}/change_reports.py", "if await storage.together(conn, key.id) == numbers:", "if True:", TOGETHER
    ),
    Mutation("sql/office/keys.sql", "WHERE k.kid = $1 AND (k.contract_id = $2", "WHERE k.kid = $1 AND (true", SERVES),
    Mutation("sql/office/keys.sql", "s.contract_id = k.contract_id AND s.successor_id = $2", "true", SERVES),
    *off(f"{OFFICE}/explain.py", EXPLAINED, "kid is not None and not await keys.serves(conn, kid, key.id)"),
    *off(f"{OFFICE}/ending.py", RESCINDED, "clause not in RESCISSION"),
    *off(f"{OFFICE}/ending.py", RESCINDED, "clause == ANTISOCIAL and not await holds.finding(conn, key.id)"),
]
TRIED = [
    *off(TRIAL, T_TRIAL, "other is None"),
    Mutation(PEOPLE, "WHERE id <> $1 AND left_at IS NULL", "WHERE $1::uuid IS NOT NULL AND left_at IS NULL", T_TRIAL),
    Mutation(PEOPLE, "WHERE id <> $1 AND left_at IS NULL", "WHERE id <> $1", T_TRIAL),
    Mutation(TRIAL, "await trial.rollback()", "await trial.commit()", T_TRIAL),
    Mutation(TRIAL, "RESCISSION[0] if d.given.clause == ANTISOCIAL else d.given.clause", "d.given.clause", T_TRIAL),
    Mutation(TRIAL, "INSTEAD.get(kind, KINDS[kind].decide)", "KINDS[kind].decide", T_TRIAL),
    *off(INCIDENTS, BEGINS, 'found.case_state == "closed"', "found.begun_at is not None"),
    *off(INCIDENTS, IN_TIME, "until > found.deadline_at and pace.wait"),
]
PLACES = [
    Mutation(CURSORS, "[self.path.encode(), msgspec", "[msgspec", T_CURSORS),
    Mutation(CURSORS, ".encode(), msgspec.json.encode(asked)]", ".encode()]", T_CURSORS),
    Mutation(CURSORS, " + self.secret.encode()", "", T_CURSORS),
    Mutation(CURSORS, '"cursor": None, "limit": None', '"cursor": None', T_CURSORS),
]
KEPT = [
    *without(LISTS, T_LISTS, " + AHEAD"),
    Mutation(LISTS, "found.logs.listed_at > self.newest.logs.listed_at", "True", T_LISTS),
    *off(LISTS, T_LISTS, "logs.listed_at > now + AHEAD"),
    *without("sql/ca/log_lists.sql", T_LISTS, " AND listed_at < '9999-01-01Z'"),
    Mutation("sql/ca/log_lists.sql", "LIMIT 1000", "LIMIT 8", T_LISTS),
    Mutation("sql/ca/log_lists.sql", "octet_length(signature) DESC", "octet_length(signature)", T_LISTS),
    Mutation(VERIFY, "if gone.field in DESTROYABLE:", "if True:", DESTROYED),
    *off(VERIFY, DESTROYED, "not found.signed_at <= self.destroyed.get(of, BEFORE_ALL)"),
    *off(VERIFY, TRANSCRIPTS, "found is None"),
    Mutation(VERIFY, "elif digest is None:", "elif False:", TRANSCRIPTS),
    Mutation(VERIFY, "elif sha256(found.transcript.encode()).hexdigest() != digest:", "elif False:", TRANSCRIPTS),
    *off(f"{OFFICE}/service_end.py", ENDS, "ends_on > (latest := jst_date(now) + FURTHEST)"),
    *off("acme_server/instants.py", INSTANTS, "found.year not in YEARS"),
    Mutation(f"{OFFICE}/notices.py", " and found.year in YEARS", "", DATED),
    Mutation(f"{OFFICE}/own_keys.py", "is_own=True", "is_own=False", f"{TESTS}/test_compromise.py"),
]

MUTATIONS = [*CAA_TOLD, *MONEY, *NAMED, *TRIED, *PLACES, *KEPT]
