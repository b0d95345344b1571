"""Checks of decisions of two people, of owners in the office, of keys for once; of bundles, samples and ceremonies.

Not here, as nothing would change: what a constraint of the database finds out as well.
"""

from tests.mutation.mutations import Mutation, off, skipped, without

USE_CASES, TESTS, API = "office/use_cases", "tests/office/use_cases", "tests/office/edge/api"
ASKED, PROPOSALS = f"{USE_CASES}/asked.py", f"{USE_CASES}/proposals.py"
ROUTER = f"{API}/test_router.py"
STRANGER = f"{ROUTER}::test_a_stranger_reaches_nothing_of_another_customer"
LISTED = f"{ROUTER}::test_listings_show_a_customer_its_own"
MATERIAL = f"{TESTS}/test_material_proposal.py"
T_ANNOUNCING, T_ACME_CASES = f"{TESTS}/test_announcing.py", f"{TESTS}/test_acme_cases.py"
TENANTS = "sql/office/tenants.sql"
IDEMPOTENCY = f"{USE_CASES}/idempotency.py"
VERIFY = f"{USE_CASES}/bundle_verify.py"
BUNDLE = "tests/acme_server/test_bundle.py"
ANEW = f"{BUNDLE}::test_whoever_makes_the_manifest_anew_is_found"
NOT_ALLOWED = f"{BUNDLE}::test_a_sealed_bundle_that_does_not_allow_the_certificate_is_found"
LOOK, SAMPLE = f"{USE_CASES}/sample_look.py", f"{TESTS}/test_sample_look.py"
CEREMONY, ROOT_CRL = f"{USE_CASES}/ceremony.py", f"{USE_CASES}/root_crl.py"
T_CEREMONY = f"{TESTS}/test_ceremony.py"
REVOKING, T_REVOKING = f"{USE_CASES}/authority_revocation.py", f"{TESTS}/test_authority_revocation.py"
ENDING = "tests/acme_server/edge/test_end_of_ca.py"
SEARCHED = f"{T_REVOKING}::test_after_the_decision_nothing_is_signed_and_after_the_crl_openssl_trusts_no_leaf"
IN_FLIGHT = f"{T_REVOKING}::test_what_was_being_signed_at_the_decision_is_not_stored"
KEPT, T_KEPT = "contract_gate/readings.py", "tests/contract_gate/test_readings.py"

DECISIONS = [
    *off(ASKED, "tests/acme_server/commands/test_ceremony.py", "first == second"),
    *off(PROPOSALS, MATERIAL, "found.proposed_by == who.handle"),
    *off(PROPOSALS, MATERIAL, "caller.role not in confirmers"),
    *off(PROPOSALS, MATERIAL, "not await stored.confirm(conn, found.id, who.id, now)"),
    *off(f"{USE_CASES}/case_decisions.py", MATERIAL, "abs((would - shown).total_seconds()) > 3600"),
    *skipped(f"{USE_CASES}/case_decisions.py", MATERIAL, 'await learn(conn, case, "recorded", since, first, now)'),
    *off(f"{USE_CASES}/ending.py", f"{TESTS}/test_readings_kept.py", "now < at - LAPSE_ANNOUNCED"),
    Mutation(f"{USE_CASES}/revocations.py", "code=upgrade, among=among", "code=upgrade, among=None", T_ANNOUNCING),
    Mutation(f"{USE_CASES}/announcing.py", "if not each.left_us and", "if", T_ANNOUNCING),
    Mutation(f"{USE_CASES}/acme_cases.py", "(one.requested_at, one.requested_by)", "one.serial", T_ACME_CASES),
    Mutation(KEPT, "now if kept is Kept.NEITHER or made_at is None else made_at", "now", T_KEPT),
    *off(KEPT, T_KEPT, "KEPT[key] is not kept"),
    Mutation(KEPT, "else max(kept, today)", "else kept", T_KEPT),
]
OWNERS = [
    Mutation(
        TENANTS,
        "WHERE (handle = $2 OR id = $3) AND ($1::uuid IS NULL OR customer_id = $1);",
        "WHERE (handle = $2 OR id = $3) AND ($1::uuid IS NULL OR true);",
        STRANGER,
    ),
    Mutation(
        TENANTS,
        "WHERE k.kid = $2 AND ($1::uuid IS NULL OR c.customer_id = $1);",
        "WHERE k.kid = $2 AND ($1::uuid IS NULL OR true);",
        STRANGER,
    ),
    Mutation(
        TENANTS,
        "WHERE i.number = $2 AND ($1::uuid IS NULL OR c.customer_id = $1);",
        "WHERE i.number = $2 AND ($1::uuid IS NULL OR true);",
        STRANGER,
    ),
    Mutation(
        TENANTS,
        "WHERE s.serial = $2 AND ($1::uuid IS NULL OR c.customer_id = $1);",
        "WHERE s.serial = $2 AND ($1::uuid IS NULL OR true);",
        STRANGER,
    ),
    Mutation(
        TENANTS, "WHERE c.customer_id = $1 AND c.number > $2", "WHERE $1::uuid IS NOT NULL AND c.number > $2", LISTED
    ),
]
ONCE = [
    *off(IDEMPOTENCY, ROUTER, "not await idempotency.alone(conn, call.token_id, call.key)"),
    *off(IDEMPOTENCY, ROUTER, "kept.request_sha256 != call.request_sha256"),
    Mutation(
        IDEMPOTENCY,
        "if kept := await idempotency.answer(conn, call.token_id, call.key):",
        "if (kept := await idempotency.answer(conn, call.token_id, call.key)) and False:",
        ROUTER,
    ),
]
BUNDLES = [
    *off(VERIFY, ANEW, "checkpoint_hash(one) != one.hash"),
    *skipped(VERIFY, BUNDLE, "key.verify(one.signature, one.hash)"),
    *off(VERIFY, BUNDLE, "not sealed(row, by_number.get(row.checkpoint))"),
    *off(VERIFY, NOT_ALLOWED, "not proofs", "recorded(row.id, replay(row), row.stage) != row"),
    Mutation(VERIFY, "names != set(last.names) or not_after > last.not_after_limit", "False", NOT_ALLOWED),
    *off(VERIFY, ANEW, "len(made) != 1"),
    Mutation(VERIFY, 'made[0].get("sha256") != digest or ', "", ANEW),
]
SAMPLES = [
    *off(LOOK, SAMPLE, "recorded(row.id, replay(row), row.stage) != row"),
    Mutation(LOOK, 'row.outcome != "admitted" or row.not_after_limit is None', "row.not_after_limit is None", SAMPLE),
    Mutation(LOOK, "sorted(row.names) != sorted(one.names) or one.not_after", "one.not_after", SAMPLE),
    *off(LOOK, SAMPLE, "why := precertificate.faults(signed, one.tbs)"),
    Mutation(LOOK, "elif not is_same(signed, one.tbs):", "elif False:", SAMPLE),
]
CEREMONIES = [
    *off(CEREMONY, T_CEREMONY, "await ca.issuer_count(conn)", "script.root_place == script.issuing_place"),
    *off(CEREMONY, T_CEREMONY, "found.script != written"),
    *skipped(CEREMONY, T_CEREMONY, "require_places(script, places)"),
    *off(ROOT_CRL, T_REVOKING, "key.spki != prepared.issuer.spki"),
    *off(
        ROOT_CRL,
        f"{T_REVOKING}::test_a_crl_prepared_before_the_decision_is_not_signed",
        "await authority_revocations.to_carry(conn, prepared.issuer.id) != prepared.entries",
    ),
    *off(
        "ca/ceremony.py",
        T_CEREMONY,
        "key.spki != done[Step.ROOT_KEY if SIGNERS[step] == ROOT else Step.ISSUING_KEY][0]",
    ),
    *off("ca/signing.py", SEARCHED, "record.issuer_revoked"),
    *off(
        "ca/signing.py",
        "tests/ca/test_signing.py",
        "record.decided_at < record.issues_from",
        "record.not_after > issuer.not_after",
    ),
    *off("ca/linting.py", "tests/ca/test_signing.py", "wanted.not_after > issuer.not_after"),
    *off("acme_server/use_cases/orders.py", ENDING, "issuer.not_after < start + SHORTEST"),
    *without(
        "acme_server/use_cases/orders.py",
        ENDING,
        "    check_issuer_lasts(context.issuer, wanted.not_before or now, wanted.not_after)\n",
    ),
    *without(
        "acme_server/use_cases/admission.py",
        ENDING,
        ", passing.context.issuer.not_after\n",
        "    check_issuer_lasts(context.issuer, order.not_before or now, order.not_after)\n",
    ),
    *without(
        "sql/migrations/0048_revoked_while_stored.sql",
        IN_FLIGHT,
        *(
            f"    IF EXISTS (SELECT FROM ca.authority_revocations WHERE issuer_id = {each} AND cross_id IS NULL) THEN\n"
            "        RAISE EXCEPTION 'C-160: issuing CA is revoked' USING ERRCODE = 'check_violation';\n    END IF;\n"
            for each in ("NEW.issuer_id", "signed.issuer_id")
        ),
    ),
    Mutation(
        REVOKING,
        "exclusive(ISSUER_LOCK, each)",
        "exclusive(ISSUER_LOCK, -each)",
        f"{T_REVOKING}::test_nothing_is_stored_behind_the_back_of_who_is_deciding",
    ),
    *off("acme_server/use_cases/orders.py", "tests/acme_server/edge/test_revoked_ca.py", "is_revoked"),
    *without(
        "acme_server/use_cases/orders.py",
        "tests/acme_server/edge/test_revoked_ca.py",
        "    check_issuer(context.issuer_revoked)\n",
    ),
    *without("ca/storage.py", "tests/ca/test_storage.py", " if lasts(chain, now)"),
    *off(REVOKING, T_REVOKING, "known_at > now", "reason not in chosen.reasons"),
    Mutation(REVOKING, "if whole_key else found", "if False else found", T_REVOKING),
    Mutation(REVOKING, "found.row.reason != reason == COMPROMISE", "False", T_REVOKING),
    Mutation(
        "sql/office/authority_revocations.sql",
        "SELECT v.serial, coalesce(w.reason, v.reason) AS reason",
        "SELECT v.serial, v.reason",
        T_REVOKING,
    ),
]

MUTATIONS = [*DECISIONS, *OWNERS, *ONCE, *BUNDLES, *SAMPLES, *CEREMONIES]
