"""A file that is believed, a lost revocation that stays lost, and a serial number that is signed twice."""

from tests.mutation.mutations import Mutation, off

READ, LOOK, TAKE = "ca/imported.py", "office/use_cases/certificate_imports.py", "office/use_cases/taking_in.py"
MIGRATION, STATEMENTS = "sql/migrations/0077_certificate_imports.sql", "sql/office/certificate_imports.sql"
TESTS, RESTORE = "tests/office/use_cases/test_certificate_imports.py", "tests/acme_server/use_cases/test_restore.py"
SAME = f"{TESTS}::test_the_certificate_completes_its_precertificate_and_no_other_does"
GONE = f"{TESTS}::test_what_a_lost_crl_showed_the_next_one_shows"
KEYS = f"{TESTS}::test_a_lost_compromise_blocks_its_key_again"
BACK = f"{TESTS}::test_a_lost_certificate_is_answered_about_and_can_be_revoked"
FORGED = f"{TESTS}::test_nothing_that_another_signed_is_taken_in"
SIGNED = f"{TESTS}::test_what_came_back_is_never_to_be_signed"
COPY = f"{TESTS}::test_a_copy_that_nobody_accepted_gives_no_crl_number_again"

MUTATIONS = [
    Mutation(READ, "TypeError):\n        return False", "TypeError):\n        return True", FORGED),
    Mutation(READ, " and found.is_signature_valid(key)", "", FORGED),
    Mutation(READ, "return one == other or precert", "return one != other or precert", SAME),
    Mutation(LOOK, "if not imported.is_same(found.tbs, known.tbs) or (held", "if (held", SAME),
    *off(LOOK, f"{TESTS}::test_whose_it_is_is_never_guessed", "len(fitting) != 1"),
    *off(LOOK, KEYS, "one.reason == KEY_COMPROMISE and (here.reason != KEY_COMPROMISE or one.revoked_at < since)"),
    Mutation(TAKE, "    await storage.raise_floor(conn, lost.number)\n", "", GONE),
    Mutation(TAKE, "if compromised or await storage.blocked(conn, [found.spki_sha256]) else", "if False else", KEYS),
    Mutation(TAKE, "return await keys_of(conn, [each for", "return set() and await keys_of(conn, [each for", KEYS),
    Mutation(
        MIGRATION,
        "WHERE spki_sha256 = NEW.spki_sha256)\n"
        "        AND NOT EXISTS (SELECT FROM ca.to_be_signed WHERE id = NEW.id AND import_id IS NOT NULL)",
        "WHERE spki_sha256 = NEW.spki_sha256)", KEYS,
    ),
    Mutation(MIGRATION, "CHECK (num_nonnulls(admission_id, import_id) = 1)", "CHECK (true)", SIGNED),
    Mutation(MIGRATION, "CHECK (import_id IS NULL OR state = 'signed')", "CHECK (true)", SIGNED),
    Mutation(
        MIGRATION, "SET to_be_signed_id = made, not_after = until", "SET to_be_signed_id = made",
        f"{TESTS}::test_crl_first_certificate_after_make_one_record",
    ),
    Mutation(
        MIGRATION, "due_at) VALUES (number, issuer, until, at)\n",
        "due_at) SELECT number, issuer, until, at WHERE false\n", BACK,
    ),
    Mutation(STATEMENTS, "coalesce(t.not_after, $6)", "coalesce(t.not_after, e.at, $6)", GONE),
    Mutation("sql/ca/signer_crl.sql", "ELSE greatest(crl_floor, $3) END", "ELSE crl_floor + 0 * $3 END", COPY),
    Mutation("acme_server/use_cases/restore.py", "serial in await check.being_signed(conn)", "serial in ()", RESTORE),
]  # fmt: skip
