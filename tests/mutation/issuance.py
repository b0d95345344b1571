"""What accounts, names, orders, authorizations and limits must be at each step from a request to a certificate.

Not here, as nothing would change: bounds of what is refused a line later as well, and ownership in statements that are
asked only after another one has found the owner.
"""

from tests.mutation.doors import ANYWAY, EDGE, SQL, USE_CASES
from tests.mutation.mutations import Mutation, off, skipped, without

PROTOCOL, T_PROTOCOL = "acme_server/protocol", "tests/acme_server/protocol"
IDENTIFIERS, T_IDENTIFIERS = f"{PROTOCOL}/identifiers.py", f"{T_PROTOCOL}/test_identifiers.py"
KEYS, T_KEYS = f"{PROTOCOL}/keys.py", f"{T_PROTOCOL}/test_keys.py"
REQUESTS, T_REQUESTS = f"{PROTOCOL}/requests.py", f"{T_PROTOCOL}/test_requests.py"
STATUS, T_STATUS = f"{PROTOCOL}/status.py", f"{T_PROTOCOL}/test_status.py"
AUTHENTICATE, SIGNED = f"{USE_CASES}/authenticate.py", f"{EDGE}/test_signed.py"
T_SURVIVORS = f"{EDGE}/test_survivors.py"
EPOCHS = f"{T_SURVIVORS}::test_a_nonce_of_an_older_epoch_is_bad_where_the_new_one_is_not_known_yet"
ORDERS, AUTHORIZATIONS, ACCOUNTS = f"{SQL}/orders.sql", f"{SQL}/authorizations.sql", f"{SQL}/accounts.sql"
T_ORDERS, T_FINALIZE, T_ACCOUNTS = f"{EDGE}/test_orders.py", f"{EDGE}/test_finalize.py", f"{EDGE}/test_accounts.py"
T_CHALLENGES, T_LIMITS, T_RACES = f"{EDGE}/test_challenges.py", f"{EDGE}/test_limits.py", f"{EDGE}/test_races.py"
T_KEPT, T_BEGIN, T_GATE = f"{EDGE}/test_kept_facts.py", f"{EDGE}/test_begin.py", f"{EDGE}/test_gate_over_http.py"
T_CAA, T_RESOURCES = f"{EDGE}/test_caa_at_issuance.py", f"{EDGE}/test_resources.py"
CERTIFIED = f"{T_LIMITS}::test_a_key_of_a_certificate_is_no_accounts"
CHANGED = f"{EDGE}/test_key_change.py::test_a_key_of_a_certificate_is_no_new_key"
BEGINS, FINALIZE, ADMISSION = "sql/migrations/0018_begin.sql", f"{USE_CASES}/finalize.py", f"{USE_CASES}/admission.py"
PLACE = f"{USE_CASES}/orders.py"
SPENT = """
WITH spent AS (
    INSERT INTO acme.spent_nonces (slot, nonce)
    SELECT $1, $2 FROM acme.nonce_epoch WHERE """

WHO = [
    *(
        Mutation(AUTHENTICATE, f"{before}return {signer}{after}", f"{before}return spent.account{after}", SIGNED)
        for signer in ("await signer_of(context, signed, url, spent)",)
        for before, after in (
            ("account_id_of(context, signed.kid))\n    ", "\n\n\nasync def to_order"),
            ("account_id_of(context, signed.kid))\n    ", ", revisions"),
            ("resource_id)\n    ", ", resource"),
        )
    ),
    *(
        Mutation(file, f"{about}{SPENT}epoch = $3", f"{about}{SPENT}$3::integer IS NOT NULL", EPOCHS)
        for file, about in (
            (f"{SQL}/nonces.sql", "account id or null"),
            (ORDERS, "$5 order id"),
            (ORDERS, "$8 issuer id"),
            (AUTHORIZATIONS, "$5 authorization id"),
            (f"{SQL}/certificates.sql", "$5 certificate id"),
        )
    ),
    *off(KEYS, T_KEYS, "not isinstance(key, PublicKey)"),
    *skipped(
        "acme_server/edge/handlers.py",
        T_RESOURCES,
        "await signed.to_read(request)\n    return await directory(request)",
    ),
    Mutation(
        "acme_server/edge/envelope.py",
        "            await signed.by_account(request)  #",
        "            pass  #",
        f"{T_RESOURCES} {EDGE}/test_nonces.py",
    ),
    Mutation("acme_server/edge/signed.py", "request.app[URLS].base + request.raw_path", "str(request.url)", SIGNED),
]

NAMES = [
    *off(
        IDENTIFIERS,
        T_IDENTIFIERS,
        "len(identifiers) > MAX_IDENTIFIERS",
        "not name or len(name) > MAX_NAME",
        "len(label) > MAX_LABEL",
        "not _LDH_LABEL.fullmatch(label)",
        'label[2:4] == "--" and not _is_a_label(label)',
        "labels[-1].isdigit()",
        "len(labels) < 2",
        'base == zone or base.endswith("." + zone)',
        "isinstance(address, ipaddress.IPv6Address) and address in _IPV4_MAPPED",
        "str(address) != value",
    ),
    *without(IDENTIFIERS, T_IDENTIFIERS, "base == zone or "),
    *off(REQUESTS, T_REQUESTS, "len(found) > MAX_CONTACTS", 'match[1].lower() != "mailto"', 'domain.startswith("*")'),
    *off(f"{PROTOCOL}/revocation.py", f"{T_PROTOCOL}/test_revocation.py", "value not in REASONS"),
    *off(f"{PROTOCOL}/csr.py", f"{T_PROTOCOL}/test_csr.py", 'not der.endswith(b"\\0" + csr.signature)'),
    *skipped(PLACE, f"{EDGE}/test_survivors.py", "served_names.check(names, context.offers.public_only)"),
    *skipped(
        f"{USE_CASES}/pre_authorization.py",
        T_SURVIVORS,
        "served_names.check([name], context.offers.public_only)",
    ),
]

ACCOUNT = [
    *without(
        ACCOUNTS,
        CERTIFIED,
        "      AND NOT EXISTS (SELECT FROM ca.certificates WHERE spki_sha256 = $4)\n",
    ),
    *without(
        ACCOUNTS,
        f"{EDGE}/test_precertificate_revoked.py {CERTIFIED}",
        "      AND NOT EXISTS (SELECT FROM ca.precertificates WHERE spki_sha256 = $4)\n",
    ),
    *without(ACCOUNTS, CHANGED, "      AND NOT EXISTS (SELECT FROM ca.certificates WHERE spki_sha256 = $5)\n"),
    *without(
        ACCOUNTS,
        f"{EDGE}/test_precertificate_revoked.py",
        "\n      AND NOT EXISTS (SELECT FROM ca.precertificates WHERE spki_sha256 = $5)",
    ),
    Mutation(
        ACCOUNTS,
        "$14::integer[], $15::interval[], $8)",
        "$14::integer[], $15::interval[], $8) IS NOT NULL",
        T_LIMITS,
    ),
    Mutation(ACCOUNTS, " AND EXISTS (SELECT FROM account)\n), evidence", "\n), evidence", T_SURVIVORS),
    Mutation(ACCOUNTS, "WHERE account_id = $1 AND id >= $3", "WHERE id >= $3", T_ACCOUNTS),
    Mutation(
        f"{USE_CASES}/weak_keys.py",
        "(why := weakness(key.public_numbers().n))",
        "(why := None)",
        f"{EDGE}/test_weak_keys.py",
    ),
]

PROVEN = [
    Mutation(STATUS, "expires_at <= now and ", "", T_STATUS),
    *without(STATUS, T_STATUS, "expires_at <= now or ", " or any(not AUTHORIZATION[each] for each in authorizations)"),
    Mutation(STATUS, "if authorizations and all(", "if all(", T_STATUS),
    Mutation(STATUS, 'all(each == "valid" for', 'any(each == "valid" for', T_STATUS),
    Mutation(
        AUTHORIZATIONS,
        "          ELSE $4::integer END] <> ''",
        "          ELSE $4::integer END] IS NOT NULL",
        f"{EDGE}/test_methods.py",
    ),
    *without(
        AUTHORIZATIONS,
        T_CHALLENGES,
        "status = 'pending' AND challenge_status = 'processing' AND ",
        " AND expires_at > $6\n",
    ),
    Mutation(
        AUTHORIZATIONS,
        "DELETE FROM acme.jobs WHERE id = $1 AND fence = $2",
        "DELETE FROM acme.jobs WHERE id = $1 AND $2::integer IS NOT NULL",
        T_SURVIVORS,
    ),
    *without(AUTHORIZATIONS, T_SURVIVORS, "\n      AND EXISTS (SELECT FROM job)\n    RETURNING *"),
    *without(ORDERS, T_ORDERS, "a.status = 'valid' AND a.expires_at > $10 AND"),
    Mutation(
        AUTHORIZATIONS,
        "WHEN EXISTS (SELECT FROM stopped) THEN false\n        ELSE",
        "WHEN false THEN false ELSE",
        f"{EDGE}/test_pre_authorization.py",
    ),
    Mutation(AUTHORIZATIONS, "ELSE acme.take(", "ELSE true OR acme.take(", f"{EDGE}/test_pre_authorization.py"),
]

ORDER = [
    Mutation(ORDERS, "AND NOT acme.claim(", "AND NULL = acme.claim(", f"{EDGE}/test_renewal_info.py"),
    Mutation(ORDERS, "ELSE acme.take($3, $27", "ELSE true OR acme.take($3, $27", T_LIMITS),
    Mutation(ORDERS, " AND fence = $3", " AND $3::integer IS NOT NULL", T_RACES),
    Mutation(
        ORDERS, "bool_and(identifier_type = 'ip' OR coalesce(caa_checked_at > $7, false)", "bool_and(true", T_FINALIZE
    ),
    Mutation(ORDERS, "bool_and(identifier_type", "bool_or(identifier_type", T_RACES),
    Mutation(
        ORDERS,
        "coalesce(caa_checked_at > $7, false) AND NOT subdomains",
        "coalesce(caa_checked_at > $7, false)",
        f"{EDGE}/test_pre_authorization.py",
    ),
    Mutation(
        ORDERS,
        "evidence.seal_state WHERE sealed_through_at >= $6",
        "evidence.seal_state WHERE $6::timestamptz IS NOT NULL",
        T_FINALIZE,
    ),
    *without(BEGINS, f"{T_KEPT} {T_BEGIN}", " AND r.revision = ANY (revisions)"),
    *skipped(FINALIZE, T_FINALIZE, "await check_key(context, csr)", "await check_issuance(context, found, now)"),
    Mutation(
        FINALIZE, "frozenset({Gate.G1, Gate.G4, Gate.G5, Gate.G7})", "frozenset({Gate.G4, Gate.G5, Gate.G7})", T_GATE
    ),
    *off(
        PLACE,
        T_ORDERS,
        "not now + SOONEST <= start <= now + LATEST",
        "end is not None and end < start + SHORTEST",
        "not is_met(wanted.not_after, admitted)",
        "any(instant is not None and instant.microsecond for instant in (wanted.not_before, end))",
    ),
    Mutation(
        ADMISSION,
        "is_met(order.not_after, admitted):\n            raise",
        "is_met(None, admitted):\n            raise",
        T_FINALIZE,
    ),
    Mutation(
        ADMISSION,
        "decide(loaded, passing.request, now)",
        ANYWAY.replace("request.", "passing.request.")
        .replace("request=request", "request=passing.request")
        .replace("loaded, request", "loaded, passing.request"),
        f"{T_GATE} {T_CAA}",
    ),
    Mutation(
        ADMISSION,
        "is_met(order.not_after, admitted):\n                raise EndNotMet(admitted)\n            if bills",
        "is_met(None, admitted):\n                raise EndNotMet(admitted)\n            if bills",
        T_SURVIVORS,
    ),
    *without(ADMISSION, T_SURVIVORS, " or not is_met(order.not_after, admitted)"),
    *skipped(ADMISSION, f"{EDGE}/test_transparency.py", "check_logs(passing.context, start, end, now)"),
    Mutation(
        f"{USE_CASES}/revoke.py",
        "blocked = await ca.block_key(conn, target.spki_sha256, requester.ground, now, actor=requester.actor)",
        "blocked = False",
        f"{EDGE}/test_revocation.py",
    ),
    Mutation(
        f"{USE_CASES}/revoke.py",
        "targets = await ca.live_with_key(conn, target.spki_sha256, now)",
        "pass",
        f"{EDGE}/test_revocation.py",
    ),
    *without(
        "sql/acme_server/jobs.sql",
        "tests/acme_server/storage/test_jobs.py",
        " AND (locked_until IS NULL OR locked_until < now())",
        " AND attempts < max_attempts\n",
    ),
]

MUTATIONS = [*WHO, *NAMES, *ACCOUNT, *PROVEN, *ORDER]
