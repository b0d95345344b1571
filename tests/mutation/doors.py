"""Checks of who sent a request and who owns what; the lock, and the second pass of the gate.

Not here, as nothing would change: that a certificate is revoked already, which the statement finds out as well.
"""

from tests.mutation.mutations import Mutation, off, skipped, without

EDGE, USE_CASES, SQL = "tests/acme_server/edge", "acme_server/use_cases", "sql/acme_server"
SURVIVORS = f"{EDGE}/test_survivors.py"
BEGINS = "sql/migrations/0018_begin.sql"  # what makes the database: schema.sql only says what came of it
SIGNED = f"{EDGE}/test_signed.py {SURVIVORS}"
NONCES = f"{EDGE}/test_nonces.py {SURVIVORS}"
ACCOUNTS = f"{EDGE}/test_accounts.py"
BINDINGS = f"{EDGE}/test_external_account.py"
KEY_CHANGE = f"{EDGE}/test_key_change.py"
ORDERS = f"{EDGE}/test_orders.py"
REUSED = f"{ORDERS}::test_valid_authorizations_are_used_again_by_their_account_only"
AUTHORIZATIONS = f"{EDGE}/test_authorizations.py"
OWNER_READS = f"{AUTHORIZATIONS}::test_only_the_owner_reads_answers_and_deactivates"
CHALLENGES = f"{EDGE}/test_challenges.py"
FINALIZE = f"{EDGE}/test_finalize.py"
RACES = f"{EDGE}/test_races.py"
REVOCATION = f"{EDGE}/test_revocation.py"
RENEWAL = f"{EDGE}/test_renewal_info.py"
REPLACED = f"{RENEWAL}::test_what_may_not_be_replaced_is_refused"
BEGIN = f"{EDGE}/test_begin.py"
RESOURCES = f"{EDGE}/test_resources.py"
GATE = f"{EDGE}/test_gate_over_http.py"
T_LIMITS, WEAK_KEYS = f"{EDGE}/test_limits.py", f"{EDGE}/test_weak_keys.py"
AUTHENTICATE = f"{USE_CASES}/authenticate.py"
ANYWAY = (
    "(lambda d: d if isinstance(d, Admitted) else Admitted(contract_id=d.contract_id, binding_key_id=d.binding_key_id,"
    " names=request.names, not_after_limit=(now + request.lifetime).replace(microsecond=0), facts=d.facts,"
    " findings=d.findings, decided_at=now, request=request))(decide(loaded, request, now))"
)
ONCE, TO_THE_LETTER = "    await spendable_once(context, spent)\n", "    require_url(signed, url)\n"
SPEND = "-- $1 slot  $2 nonce  $3 epoch  "
INSERT = """
WITH spent AS (
    INSERT INTO acme.spent_nonces (slot, nonce)
    SELECT $1, $2 FROM acme.nonce_epoch WHERE """

SENDER = [
    Mutation(AUTHENTICATE, f"{ONCE}{TO_THE_LETTER}", ONCE, SIGNED),
    Mutation(AUTHENTICATE, f"{ONCE}{TO_THE_LETTER}", TO_THE_LETTER, NONCES),
    Mutation(
        AUTHENTICATE,
        "nonces.spend_for_key(context.pool, spendable, thumbprint))\n    require_url(signed, url)\n",
        "nonces.spend_for_key(context.pool, spendable, thumbprint))\n",
        SIGNED,
    ),
    *skipped(
        AUTHENTICATE, SIGNED, "keys.verify(signed, keys.of_spki(spent.account.public_key))", "keys.verify(signed, key)"
    ),
    *off(AUTHENTICATE, ACCOUNTS, 'spent.account.status != "valid"'),
    *off(AUTHENTICATE, NONCES, "not spent.fresh"),
    *skipped(AUTHENTICATE, NONCES, "await nonces.spend_for_account(context.pool, spendable, None)"),
    *without(AUTHENTICATE, SIGNED, " if str(found) == kid[len(prefix) :] else None", " or not kid.startswith(prefix)"),
    Mutation(
        AUTHENTICATE,
        "    context.nonce_key = await nonces.current_key(context.pool)\n    return nonce_or_error",
        "    return nonce_or_error",
        NONCES,
    ),
    *off("acme_server/edge/signed.py", SIGNED, "media_type_of(request) != JOSE"),
    *off("acme_server/edge/signed.py", RESOURCES, 'str(account.id) != request.match_info["id"]', "payload"),
    *off(
        "acme_server/edge/signed.py",
        f"{EDGE}/test_hostile_http.py",
        'request.headers.get("Content-Encoding", "identity").lower() != "identity"',
    ),
    Mutation(
        f"{SQL}/nonces.sql",
        f"{SPEND}$4 account id, or null{INSERT}epoch = $3",
        f"{SPEND}$4 account id, or null{INSERT}$3::integer IS NOT NULL",
        NONCES,
    ),
    Mutation(
        f"{SQL}/nonces.sql",
        f"{SPEND}$4 thumbprint{INSERT}epoch = $3",
        f"{SPEND}$4 thumbprint{INSERT}$3::integer IS NOT NULL",
        NONCES,
    ),
]

OWNERS = [
    *off(
        f"{USE_CASES}/accounts.py",
        ACCOUNTS,
        "wanted.only_return_existing",
        "wanted.terms_of_service_agreed is not True",
        'known.status != "valid"',
    ),
    *off(f"{USE_CASES}/accounts.py", KEY_CHANGE, "known.thumbprint != key.thumbprint"),
    *skipped(
        f"{USE_CASES}/accounts.py",
        BINDINGS,
        "verify_binding(signed, found.hmac_key if found else external_account.DUMMY_KEY, key)",
    ),
    *without(
        f"{SQL}/accounts.sql", BINDINGS, " AND withdrawn_at IS NULL", " AND (expires_at IS NULL OR expires_at > $8)"
    ),
    *without(
        f"{SQL}/accounts.sql",
        SIGNED,
        "AND NOT EXISTS (SELECT FROM ca.blocked_keys WHERE spki_sha256 = $4)",
        "AND NOT EXISTS (SELECT FROM ca.blocked_keys WHERE spki_sha256 = $5)",
    ),
    *without(f"{SQL}/accounts.sql", KEY_CHANGE, " AND thumbprint = $2 AND status = 'valid'"),
    *without(f"{SQL}/accounts.sql", ACCOUNTS, " AND status = 'valid' RETURNING id"),
    *without(f"{SQL}/authorizations.sql", OWNER_READS, " AND z.account_id = a.id"),
    Mutation(
        f"{SQL}/authorizations.sql",
        "AND account_id = $2 AND status = 'pending'",
        "AND $2::uuid IS NOT NULL AND status = 'pending'",
        OWNER_READS,
    ),
    Mutation(
        f"{SQL}/authorizations.sql",
        "AND account_id = $2 AND status IN",
        "AND $2::uuid IS NOT NULL AND status IN",
        OWNER_READS,
    ),
    *without(f"{SQL}/authorizations.sql", CHALLENGES, " AND challenge_type IS NULL"),
    Mutation(
        f"{SQL}/authorizations.sql", "challenge_type IS NULL AND expires_at > $8", "challenge_type IS NULL", SURVIVORS
    ),
    Mutation(
        f"{SQL}/authorizations.sql",
        "a.account_id = $1 AND a.identifier_value",
        "$1::uuid IS NOT NULL AND a.identifier_value",
        REVOCATION,
    ),
    *without(f"{SQL}/authorizations.sql", REVOCATION, " AND a.wildcard = n.wildcard"),
    Mutation(
        f"{SQL}/authorizations.sql",
        "AND a.status = 'valid' AND a.expires_at > $4",
        "AND $4::timestamptz IS NOT NULL",
        REVOCATION,
    ),
    Mutation(f"{SQL}/authorizations.sql", "bool_and(EXISTS (", "bool_or(EXISTS (", REVOCATION),
    *without(f"{SQL}/certificates.sql", f"{EDGE}/test_certificates.py", " AND i.account_id = a.id"),
    *without(BEGINS, REPLACED, " AND i.account_id = account", " AND c.names && wanted_names"),
    Mutation(BEGINS, "u.key_id = issuer_key_id", "issuer_key_id IS NOT NULL", REPLACED),
    Mutation(BEGINS, "(o.status = 'invalid' OR o.status = 'pending' AND (", "(o.id = o.id OR (", RENEWAL),
    *without(f"{SQL}/orders.sql", BEGIN, " AND (SELECT why_not FROM asked) IS NULL"),
    Mutation(BEGINS, "PERFORM pg_advisory_xact_lock_shared(7001, contract_number);", "", BEGIN),
    Mutation(
        f"{SQL}/orders.sql",
        "a.account_id = $2 AND a.identifier_value = ANY",
        "a.identifier_value = ANY",
        REUSED,
    ),
    *without(f"{SQL}/orders.sql", RESOURCES, " AND o.account_id = a.id", "o.account_id = a.id AND "),
    Mutation(
        f"{SQL}/orders.sql", "WHERE o.account_id = $1 AND o.id > $2", "WHERE $1::uuid IS NOT NULL AND o.id > $2", ORDERS
    ),
    *off(
        f"{USE_CASES}/revoke.py",
        REVOCATION,
        "target.spki_sha256 != key.spki_sha256",
        "target.not_after <= now",
        "reason == KEY_COMPROMISE and not requester.may_report_compromise",
    ),
    *without(f"{USE_CASES}/revoke.py", REVOCATION, " or der not in (found.der, found.precertificate)"),
    Mutation(
        f"{USE_CASES}/revoke.py",
        "owner is not None and owner.account_id == account.id",
        "owner is not None",
        REVOCATION,
    ),
    Mutation(
        f"{USE_CASES}/revoke.py",
        "await authorizations.holds_all(context.pool, account.id, target.names, now)",
        "True",
        REVOCATION,
    ),
    *without(f"{USE_CASES}/renewal.py", RENEWAL, " or facts.issuer_key_id != key_id"),
]

LIMITS = [
    *off("acme_server/edge/client_address.py", T_LIMITS, "not any(ip_address(peer) in each for each in proxies)"),
    Mutation(
        "sql/migrations/0003_limits.sql",
        "        WHERE acme.at_pace(l.full_at, l.number, at_most, instant) + step <= instant + spans[i];",
        ";",
        T_LIMITS,
    ),
    Mutation(f"{SQL}/orders.sql", "WHEN EXISTS (SELECT FROM stopped) THEN false", "", T_LIMITS),
]

ISSUANCE = [
    *skipped(f"{USE_CASES}/finalize.py", WEAK_KEYS, 'refuse_weak(context, csr.spki_der, ErrorType.BAD_CSR, "CSR")'),
    *skipped(
        f"{USE_CASES}/accounts.py",
        WEAK_KEYS,
        'refuse_weak(context, new.spki_der, ErrorType.BAD_PUBLIC_KEY, "account")',
        'refuse_weak(context, key.spki_der, ErrorType.BAD_PUBLIC_KEY, "account")',
    ),
    Mutation(f"{USE_CASES}/weak_keys.py", "why_listed(context.blocklist, spki_der)", "None", WEAK_KEYS),
    Mutation(f"{USE_CASES}/weak_keys.py", " in context.own_keys", " in ()", WEAK_KEYS),
    *skipped(
        f"{USE_CASES}/orders.py", ORDERS, 'await record_admission(conn, admitted, "new_order", actor_of(account), now)'
    ),
    *off(
        f"{USE_CASES}/finalize.py",
        FINALIZE,
        '(status := found.state.status(now)) != "ready"',
        "not found.is_sealed",
    ),
    *skipped(f"{USE_CASES}/finalize.py", FINALIZE, "matches(csr, found.state.order.names)"),
    Mutation(f"{USE_CASES}/finalize.py", "under_locks(conn, lock)", "conn.transaction()", SURVIVORS),
    Mutation(f"{USE_CASES}/finalize.py", "if refusal.refused.gate in ENDS_ORDER:", "if False:", GATE),
    Mutation(
        f"{USE_CASES}/finalize.py", "not found.caa_is_fresh or not found.is_started", "not found.is_started", FINALIZE
    ),
    Mutation(f"{USE_CASES}/admission.py", "admitted = decide(loaded, request, now)", f"admitted = {ANYWAY}", GATE),
    Mutation(f"{USE_CASES}/orders.py", "decide(facts, request, now)", ANYWAY.replace("loaded", "facts"), GATE),
    *off(f"{USE_CASES}/admission.py", f"{EDGE}/test_profiles.py", "order.profile not in context.profiles"),
    *off(
        f"{USE_CASES}/admission.py",
        FINALIZE,
        "order.not_before is not None and not now - NEAR <= order.not_before <= now + NEAR",
    ),
    *without(
        BEGINS,
        f"{FINALIZE}::test_what_ends_while_an_order_waits_is_not_issued_from",
        "\n                WHERE z.status = 'valid' AND z.expires_at > instant",
    ),
    Mutation(BEGINS, "a.id = account AND a.status = 'valid')", "a.id = account)", BEGIN),
    *without(
        BEGINS,
        RACES,
        "        WHEN EXISTS (SELECT FROM acme.account_keys k WHERE k.spki_sha256 = spki) THEN 'account_key'\n",
        "        WHEN EXISTS (SELECT FROM ca.blocked_keys k WHERE k.spki_sha256 = spki) THEN 'blocked_key'\n",
    ),
]

MUTATIONS = [*SENDER, *OWNERS, *LIMITS, *ISSUANCE]
