"""What the database asks before it writes for the tokens of two people, and before one stops a token (0046)."""

from tests.mutation.mutations import Mutation, without

FILE, TESTS = "sql/migrations/0046_vouched.sql", "tests/office/use_cases/test_vouched.py"
FIRST = f"{TESTS}::test_who_proposes_vouches_with_a_live_token_of_their_own"
SECOND = f"{TESTS}::test_who_confirms_vouches_with_a_live_token_of_another"
BOTH = f"{TESTS}::test_it_is_carried_out_once_for_the_token_of_another_who_may"
OTHERWISE = f"{TESTS}::test_with_other_arguments_than_both_saw_it_is_not_carried_out"
LATER = f"{TESTS}::test_what_was_confirmed_in_another_transaction_is_not_carried_out_any_more"
TOKEN = f"{TESTS}::test_the_database_makes_no_token_with_a_short_part_or_a_long_life"
OWN = f"{TESTS}::test_the_database_makes_no_token_of_who_confirms_it"
LEAVING = f"{TESTS}::test_whoever_decides_it_does_not_leave_and_who_left_before_does_not_again"
STOPPING = f"{TESTS}::test_one_person_withdraws_a_token_with_a_live_one"
KIND = f"{TESTS}::test_nothing_is_written_for_nobodys_proposal_or_one_of_another_kind"
TABLE = f"{TESTS}::test_whoever_writes_the_table_itself_makes_two_of_one_nowhere"

MUTATIONS = [
    *(
        Mutation(FILE, f"{before}{condition}", before, tests)
        for tests, before, condition in (
            (FIRST, "= sha256(proof)", " AND t.withdrawn_at IS NULL"),
            (STOPPING, "t.id = token_id", " AND t.withdrawn_at IS NULL"),
            (SECOND, "v.seen_sha256 = office.seen(p.arguments)", " AND t.withdrawn_at IS NULL"),
            (LEAVING, "WHERE person_id = gone", " AND withdrawn_at IS NULL"),
            (OTHERWISE, "AND p.kind = wanted", " AND v.seen_sha256 = office.seen(p.arguments)"),
            (LEAVING, "d.arguments ->> 'person'", " AND left_at IS NULL"),
            (TOKEN, "'hex')) = 32\n", "        AND octet_length(part_sha256) = 32\n"),
        )
    ),
    *without(
        FILE,
        FIRST,
        " AND t.expires_at > instant",
        " AND p.left_at IS NULL",
        "t.person_id = p.proposed_by AND ",
        " AND t.role = ANY (k.proposers)",
        " AND p.confirmed_at IS NULL",
    ),
    *without(FILE, OTHERWISE, "v.seen_sha256 = office.seen(p.arguments) AND "),
    *without(
        FILE,
        BOTH,
        " AND v.second_token IS NULL",
        "t.person_id = p.confirmed_by AND ",
        " AND t.role = ANY (k.confirmers)",
        "NOT v.carried_out AND ",
    ),
    *without(FILE, SECOND, " AND office.first_stands(proposal)", " AND one.person_id <> t.person_id"),
    *without(FILE, LATER, " AND v.confirmed_in = pg_current_xact_id()"),
    *without(FILE, OWN, "p.id IS DISTINCT FROM d.second AND "),
    *without(
        FILE,
        TOKEN,
        " AND octet_length(decode(d.arguments ->> 'part_sha256', 'hex')) = 32",
        "\n        AND (d.arguments ->> 'expires_at')::timestamptz <= d.instant + interval '366 days'",
    ),
    *without(
        FILE,
        STOPPING,
        "\n        AND (h.role IN ('officer', 'approver', 'compliance', 'operator') OR h.person_id = t.person_id)",
        " OR h.person_id = t.person_id",
    ),
    *without(FILE, LEAVING, " AND id NOT IN (d.first, d.second)", "person_id = gone AND "),
    *without(
        FILE,
        TABLE,
        "    CHECK (first_token <> second_token),\n",
        "    CHECK (num_nulls(second_token, confirmed_in) IN (0, 2)),\n",
        ",\n    CHECK (NOT carried_out OR second_token IS NOT NULL)",
        " CHECK (octet_length(seen_sha256) = 32)",
    ),
    *(
        Mutation(FILE, f"carry_out(proposal, '{kind}')", f"carry_out(proposal, '{another}')", KIND)
        for kind, another in (
            ("reading.set", "plan.add"),
            ("plan.add", "reading.set"),
            ("plan.close", "reading.set"),
            ("token.issue", "reading.set"),
            ("person.leave", "reading.set"),
            ("access_review.close", "reading.set"),
        )
    ),
]
