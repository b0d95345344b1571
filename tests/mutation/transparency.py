"""What is checked of precertificates, SCTs and lists of logs, what a linter says, and how the self-audit looks."""

from tests.mutation.mutations import Mutation, off, without

SCT, T_SCT = "ca/sct.py", "tests/ca/test_sct.py"
PRECERTIFICATE, T_PRECERTIFICATE = "ca/precertificate.py", "tests/ca/test_precertificate.py"
LOGS, T_LOGS = "ca/ct_logs.py", "tests/ca/test_ct_logs.py"
LISTS, T_LISTS = "ca/log_lists.py", "tests/ca/test_log_lists.py"
PROOFS, T_PROOFS = "office/use_cases/sample_proofs.py", "tests/office/use_cases/test_sample_proofs.py"
FINISHING, T_SIGNER = "ca/finishing.py", "tests/ca/test_signer_ct.py"
PRECERTIFIED, PROVEN = "tests/ca/test_precertified.py", "tests/office/use_cases/test_compromise.py"
NOT_REVOKED = "      AND NOT EXISTS (SELECT FROM ca.revocations v WHERE v.serial = t.serial)\n"
CLIENT, T_CLIENT = "ca/ct.py", "tests/ca/test_ct.py"
SIGNER_LINT, T_LINT = "ca/signer_lint.py", "tests/ca/test_pkilint.py"

MUTATIONS = [
    *off(SCT, T_SCT, "sct.log_id != log_id", "sct.at > now + AHEAD", "sct.at < signed_at - BEHIND", "version != V1",
         "len(rest) != 4 + length", "not found"),
    Mutation(SCT, "return None if verified(sct", "return None if True or verified(sct", T_SCT),
    *off(PRECERTIFICATE, T_PRECERTIFICATE, "not is_precertificate(precertificate)",
         "entry_of(final) != entry_of(precertificate)", "sct_list(found) != parted(tbs)[1][-1]"),
    *off(LOGS, T_LOGS, "sha256(key).digest() != b64decode(found.log_id, validate=True)", "len(found.state) != 1",
         "len({log.id for log in logs}) != len(logs)"),
    *without(
        LOGS,
        T_LOGS,
        "\n            and self.since <= now",
        "\n        and len({log.operator for log in logs}) >= OPERATORS",
        "\n        and not all(log.tiled for log in logs)",
        " + SECOND",
    ),
    *off(LISTS, T_LISTS, 'sha256(row["content"]).digest() != row["sha256"]', 'logs.listed_at != row["listed_at"]',
         "publisher is not None and found.signature == UNSIGNED",
         "publisher is not None and not publisher.signed(found.content, found.signature)",
         "known is not None and logs.listed_at <= known.logs.listed_at"),
    *off(PROOFS, T_PROOFS, "validated.name == name", "any(at - each <= CAA_AGE for each in found)"),
    *without(PROOFS, T_PROOFS, " if each <= at", " and validated.method not in OF_ONE_NAME", "timedelta(0) <= ",
             "validated.subdomains and "),
    Mutation("ca/ct_publisher.py", "        return False\n", "        return True\n", "tests/ca/test_ct_publisher.py"),
    *off(FINISHING, T_SIGNER, "log is None",
         "not enough(given, number := needed(record.not_before, record.not_after))"),
    *off("ca/signing.py", PRECERTIFIED, "record.revoked"),
    *off("ca/signing.py", "tests/ca/test_signer_ocsp.py", "record.is_own_key"),
    *[
        each
        for file in ("sql/ca/signer.sql", "sql/ca/signer_ct.sql")
        for each in without(file, PRECERTIFIED, NOT_REVOKED)
    ],
    Mutation("sql/ca/storage.sql", " UNION SELECT id FROM ca.precertificates WHERE spki_sha256 = $1", "", PRECERTIFIED),
    Mutation("ca/pkilint_pool.py", "if subject.tries < TRIES:", "if False:", "tests/ca/test_linter_hangs.py"),
    Mutation("office/use_cases/compromise.py", "if own := await own_keys.owner(conn, key):", "if own := None:", PROVEN),
    Mutation(FINISHING, "if reason := sct.fault(", "if False and sct.fault(", T_SIGNER),
    Mutation(FINISHING, "if reason := precertificate.faults(final, record.tbs):", "if reason := None:", T_SIGNER),
    *off(CLIENT, T_CLIENT, "answer.status != 200", "len(content) > ANSWER_MAX"),
    Mutation(SIGNER_LINT, "if report is not None and report.faults()]", "if report is not None and False]", T_LINT),
    Mutation("ca/signer_lint.py", "if demands.transparency:", "if False:", T_SIGNER),
]  # fmt: skip
