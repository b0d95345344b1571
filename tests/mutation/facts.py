"""Which facts the gate and the signer are told, how long they are kept, and what the signer asks of them again."""

from tests.mutation.mutations import Mutation, off, skipped, without

FACTS = "sql/contract_gate/storage.sql"
T_FACTS = "tests/contract_gate/test_storage.py tests/contract_gate/test_storage_others.py"
T_OTHERS = T_MONEY = "tests/contract_gate/test_storage_others.py"
KEPT, T_KEPT = "contract_gate/kept.py", "tests/contract_gate/test_kept.py tests/acme_server/edge/test_kept_facts.py"
DOMAINS, T_DOMAINS = "contract_gate/domains.py", "tests/contract_gate/test_domains.py"
SIGNER, T_ROWS = "sql/ca/signer.sql", "tests/ca/test_signer.py"
COVERING, T_COVERING = "ca/covering.py", "tests/ca/test_covering.py"
SIGNING, T_SIGNING = "ca/signing.py", "tests/ca/test_signing.py tests/ca/test_signer.py"
BLOCKED = "tests/ca/test_blocklist.py tests/ca/test_weak_keys.py"
PROOF, T_PROOF = "ca/key_proof.py", "tests/ca/test_key_proof.py"

TOLD = [
    *without(
        FACTS,
        T_FACTS,
        " AND h.lifted_at IS NULL",
        " AND h.status <> 'reported'",
        " AND d.removed_at IS NULL",
        " AND a.removed_at IS NULL",
        "d.contract_id = c.id AND ",
        "a.contract_id = c.id AND ",
        " AND a.network >>= ANY ($5::inet[])",
        " AND g.resolved_at IS NULL",
    ),
    *without("sql/migrations/0071_one_home.sql", T_FACTS, " AND n.starts_at <= at", " AND n.ends_at > at"),
    Mutation(FACTS, "OR d.value = ANY ($3))", "OR $3::text[] IS NOT NULL)", T_FACTS),
    Mutation(FACTS, "AND n.removed_at IS NULL)\n            ) END", ")\n            ) END", T_FACTS),
    Mutation(FACTS, " AND y.ends_at > $6) AS free_reissue", ") AS free_reissue", T_OTHERS),
    Mutation(FACTS, " AND e.dispatched_at IS NULL) AS untold", ") AS untold", T_FACTS),
    Mutation(FACTS, "WHERE e.contract_id = c.id", "WHERE true", T_FACTS),
    Mutation(FACTS, "WHERE y.contract_id = c.id AND y.ends_at", "WHERE y.ends_at", T_OTHERS),
    Mutation(
        FACTS,
        "SELECT y.ends_at FROM gate.free_reissues y WHERE y.contract_id = c.id",
        "SELECT y.ends_at FROM gate.free_reissues y WHERE false",
        T_OTHERS,
    ),
    Mutation(FACTS, "FROM gate.consents t WHERE t.contract_id = c.id", "FROM gate.consents t WHERE true", T_FACTS),
    Mutation(
        FACTS,
        "i.contract_id = c.id AND i.kind = k.kind AND (i.kind <> 'screening' OR i.verdict = 'positive')",
        "i.kind = k.kind AND (i.kind <> 'screening' OR i.verdict = 'positive')",
        T_FACTS,
    ),
    Mutation(
        FACTS,
        "(i.kind <> 'screening' OR i.verdict = 'positive')\n                ORDER BY i.obtained_on DESC",
        "(i.kind <> 'screening' OR i.verdict = 'positive')\n                ORDER BY i.obtained_on",
        T_FACTS,
    ),
    Mutation(FACTS, "SELECT i.verdict = 'negative' FROM", "SELECT false FROM", T_FACTS),
    Mutation(
        FACTS,
        "j.contract_id = c.id ORDER BY j.recorded_at DESC",
        "j.contract_id = c.id ORDER BY j.recorded_at",
        T_FACTS,
    ),
    Mutation(FACTS, "max(covered_from) AS bank_data_from", "min(covered_from) AS bank_data_from", T_MONEY),
    Mutation(FACTS, "min(awaited_after) AS bank_data_through", "max(awaited_after) AS bank_data_through", T_MONEY),
    Mutation(
        FACTS, "ELSE ARRAY[c.id] END", "ELSE ARRAY(SELECT m.id FROM gate.contracts m) END", f"{T_MONEY} {T_FACTS}"
    ),
    Mutation(FACTS, "m.customer_id = c.customer_id", "true", T_MONEY),
]

STORED = [
    *without(KEPT, T_KEPT, " or (found.until is not None and now >= found.until)"),
    *off(KEPT, T_KEPT, "any(revision not in current for revision in found.revisions)"),
    *without(KEPT, T_KEPT, " or value in wanted", " if any(covers(entry, name) for name in addresses(names))"),
    Mutation(DOMAINS, "address(name) is None and under(entry.value, name)", "under(entry.value, name)", T_DOMAINS),
    Mutation(DOMAINS, "address(name) is None and under(entry[1:], name)", "under(entry[1:], name)", T_DOMAINS),
    Mutation(DOMAINS, 'host == domain or host.endswith(f".{domain}")', "host.endswith(domain)", T_DOMAINS),
    Mutation(DOMAINS, "return entry == name or ", "return True or ", T_DOMAINS),
    Mutation(
        DOMAINS, "return wanted is not None and wanted in ip_network(network)", "return wanted is not None", T_DOMAINS
    ),
]

ASKED_AGAIN = [
    *off(
        SIGNING,
        T_SIGNING,
        "not record.own_serial",
        "record.decided_at - now > ADMISSION_AGE",
        "why := why_listed(blocklist, spki)",
    ),
    *without(
        SIGNER,
        T_ROWS,
        " AND n.to_be_signed_id = t.id",
        " AND n.issuer_id = t.issuer_id",
        " AND h.status IN ('suspected', 'confirmed')",
        " AND n.removed_at IS NULL",
        " AND a.removed_at IS NULL",
    ),
    Mutation(SIGNER, "FROM gate.holds h WHERE h.contract_id = d.contract_id", "FROM gate.holds h WHERE true", T_ROWS),
    Mutation(SIGNER, "WHERE n.contract_id = d.contract_id", "WHERE true", T_ROWS),
    Mutation(SIGNER, "AND a.contract_id = d.contract_id AND a.removed", "AND a.removed", T_ROWS),
    Mutation(SIGNER, " AND e.dispatched_at IS NULL)\n", ")\n", T_ROWS),
    Mutation(SIGNER, "SELECT v.verdict = 'negative' FROM", "SELECT false FROM", T_ROWS),
    Mutation(
        SIGNER,
        "WHERE b.spki_sha256 = t.spki_sha256) IS NOT NULL AS blocked",
        "WHERE false) IS NOT NULL AS blocked",
        T_ROWS,
    ),
    Mutation(
        SIGNER,
        "ca.responders u WHERE u.spki_sha256 = t.spki_sha256",
        "ca.responders u WHERE false",
        "tests/ca/test_signer_ocsp.py",
    ),
    Mutation(
        SIGNER,
        "AND t.id = ANY($1::uuid[]) AND t.state = 'admitted'\n",
        "AND t.id = ANY($1::uuid[])\n",
        "tests/ca/test_signer.py",
    ),
    Mutation(COVERING, 'host == value or host.endswith(f".{value}")', "host.endswith(value)", T_COVERING),
    *without(COVERING, T_COVERING, "address(name) is None and ", " and wanted in ip_network(network)"),
    *without(PROOF, T_PROOF, " or (digest and digest.name not in DIGESTS)"),
    *off(
        PROOF,
        T_PROOF,
        "not valid",
        "[(one.oid, one.value) for one in csr.subject] != [(x509.NameOID.COMMON_NAME, NAME)]",
        'b"PRIVATE KEY-----" in octets',
    ),
    *skipped(PROOF, T_PROOF, "verify(key, signature)"),
    Mutation("ca/signer_socket.py", "os.umask(0o177)", "os.umask(0)", "tests/ca/test_signer.py"),
]

MUTATIONS = [*TOLD, *STORED, *ASKED_AGAIN]
