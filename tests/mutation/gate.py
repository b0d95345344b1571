"""Every rule of the gate, and the signer's checks."""

from tests.mutation.mutations import Mutation, off, without

GATE, T_GATE = "contract_gate/gate.py", "tests/contract_gate/test_gate.py tests/contract_gate/test_fails_closed.py"
ARTICLES = "contract_gate/articles"
A04, A06, A08, A10, A12, A22 = (
    f"{ARTICLES}/article_{name}.py"
    for name in ("04_issuance", "06_changes", "08_payment", "10_suspension", "12_term", "22_maintenance")
)
T_08, T_12 = (f"tests/contract_gate/articles/test_article_{name}.py" for name in ("08_payment", "12_term"))
SIGNING, T_SIGNER = "ca/signing.py", "tests/ca/test_signing.py tests/ca/test_signer.py"
LINTING, T_LINTING = "ca/linting.py", "tests/ca/test_linting.py tests/ca/test_signing.py"
KEYS, T_PUBLIC_KEYS = "ca/public_keys.py", "tests/ca/test_public_keys.py"

MUTATIONS = [
    *without(
        GATE,
        T_GATE,
        "article_12_term.accepted,",
        "article_12_term.not_ended,",
        "article_23_service_end.service_goes_on,",
        "article_12_term.within_term,",
        "article_04_issuance.formation_told,",
        "article_02_consent.consented,",
        "article_04_issuance.bound,",
        "article_04_issuance.names_of_contract,",
        "article_04_issuance.names_of_key,",
        "article_08_payment.names_within_plan,",
        "article_08_payment.no_payment_block,",
        "article_13_antisocial.not_held,",
        "article_10_suspension.service_possible,",
        "article_22_maintenance.service_open,",
        "article_22_maintenance.no_maintenance,",
        "article_12_term.long_enough,",
    ),
    *(
        Mutation(GATE, f"({one}, {other})", f"({kept},)", T_GATE)
        for one, other in (
            ("article_04_issuance.review_complete", "article_04_issuance.review_fresh"),
            ("article_06_changes.subject_unchanged", "article_11_revocation.certificate_unchanged"),
        )
        for kept in (one, other)
    ),
    Mutation(GATE, "Gate.G4 if Gate.G4 in failed else failed[0]", "failed[0]", T_GATE),
    *off(
        A04,
        T_GATE,
        "facts.subject is None",
        "facts.untold",
        "key.contract_id != contract.id and key.contract_id not in {p.contract_id for p in facts.predecessors}",
        "key.withdrawn_at is not None",
        "key.expires_at is not None and key.expires_at <= now",
    ),
    *without(A04, T_GATE, "0 <= ", " <= limit", ' if item.verdict == "positive"', " or not request.names"),
    Mutation(A04, "key.expires_at <= now:", "key.expires_at < now:", T_GATE),
    Mutation(A06, '{"organization", "address"}', '{"organization"}', T_GATE),
    Mutation(A06, '{"organization", "address"}', '{"address"}', T_GATE),
    *without(
        A08,
        T_08,
        "unpaid and ",
        "last_day < today and ",
        " and bank_data_covers(invoice, last_day, facts)",
        "facts.bank_data_from <= invoice.issued_on and ",
        " and last_day <= facts.bank_data_through",
        ' or invoice.kind == "difference"',
        "counts(i, facts, now) and ",
    ),
    Mutation(A08, "return whole_customer or invoice.contract_id == contract.id", "return True", T_GATE),
    Mutation(A08, "contract.names_count > contract.names_max", "False", T_GATE),
    Mutation(A10, "suspension.starts_at <= now and ", "", T_GATE),
    Mutation(A10, "now < suspension.ends_at", "True", T_GATE),
    *without(
        A12,
        T_GATE,
        ' or contract.state not in ("accepted", "ended")',
        " or now >= end",
        "contract.accepted_at is None or ",
    ),
    *without(A12, T_12, ", end - SECOND", ' and predecessor.end_cause in (None, "expired")'),
    *off(A12, T_12, 'predecessor.link == "change"'),
    Mutation(A12, '"ended": frozenset(),', '"ended": frozenset({"accepted"}),', T_12),
    Mutation(A12, '"accepted": frozenset({"ended"}),', '"accepted": frozenset({"ended", "applied"}),', T_12),
    Mutation(A22, 's.clause not in ("A10.1", "A22.2", "A23.1") and ', 's.clause == "A10.1" and ', T_GATE),
    *off(
        SIGNING,
        T_SIGNER,
        'record.state != "admitted"',
        "now >= record.deadline_at",
        'record.outcome != "admitted"',
        "record.stage not in STAGES",
        'record.contract_state != "accepted"',
        "record.held",
        "record.untold",
        "record.term_over_by is None or record.not_after > record.term_over_by",
        "record.overdue",
        "missing := uncovered(record.names, record.entries)",
        "now - record.decided_at > ADMISSION_AGE",
        "sorted(record.names) != sorted(record.admitted_names)",
        "record.not_after_limit is None or record.not_after > record.not_after_limit",
        "record.blocked",
        "record.profile not in PROFILES",
        "record.organization is None or record.country is None",
    ),
    *without("ca/signer_database.py", T_SIGNER, " or key.spki != issuer.spki"),
    *off(
        LINTING,
        T_LINTING,
        "found",
        "fields[0] != VERSION_3",
        "serial <= 0 or not 64 <= serial.bit_length() <= 159",
        "fields[2] != ECDSA_SHA256",
        "fields[3] != _tree_of(issuer.subject)",
        "abs(wanted.not_before - at) > NEAR",
        "field[1] != (expected_time(wanted.not_before), expected_time(wanted.not_after))",
        "wanted.not_before.microsecond or wanted.not_after.microsecond",
        "elements(tbs)[6] != wanted.spki_der",
        "not 1 <= len(text) <= most",
        'not re.fullmatch("[A-Z]{2}", expected.country)',
        "expected.state_or_province is None and expected.locality is None",
        "len(set(shown)) != len(shown)",
        "shown != list(names) or not shown",
        "sha256(spki).digest() != spki_sha256",
    ),
    *without(
        LINTING,
        T_LINTING,
        "*head(issuer, wanted, fields),",
        "*validity(issuer, wanted, fields[4], at),",
        "*subject(wanted.subject, fields[5]),",
        "*public_key(wanted, fields[6], tbs),",
        "*extensions(issuer, wanted, fields[7]),",
    ),
    *off(
        KEYS,
        T_PUBLIC_KEYS,
        "modulus <= 0 or modulus % 2 == 0",
        "not 2**16 < exponent < 2**256 or exponent % 2 == 0",
        "not profile.rsa_bits_min <= size <= profile.rsa_bits_max or size % 8",
        "(y * y - x * x * x + 3 * x - b) % prime",
    ),
]
