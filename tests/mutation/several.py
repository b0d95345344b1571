"""Several issuing CAs: which one issues, whose keys, CRLs and answers; one more ceremony; parts the linter knows.

Not here, as nothing would change: what a container around another hears of a part that only the inner one is done with,
which there is not after a whole certificate.
"""

from tests.mutation.mutations import Mutation, off, without

ISSUERS, T_ISSUERS = "ca/issuers.py", "tests/ca/test_issuers.py"
KEYRING, T_KEYRING = "ca/keyring.py", "tests/ca/test_keyring.py"
SUCCESSION, T_SUCCESSION = "office/use_cases/succession.py", "tests/office/use_cases/test_succession.py"
SCRIPT = "ca/ceremony.py"
STORAGE, STORAGE_SQL = "ca/storage.py", "sql/ca/storage.sql"
STATUS_SQL = "sql/ca/status_storage.sql"
OCSP, T_OCSP, OCSP_SQL = "ca/signer_ocsp.py", "tests/ca/test_signer_ocsp.py", "sql/ca/signer_ocsp.sql"
CRL_SQL, T_SEVERAL, T_STORAGE = "sql/ca/signer_crl.sql", "tests/ca/test_several_cas.py", "tests/ca/test_storage.py"
PARTS, WALK, T_PARTS = "ca/pkilint_parts.py", "ca/pkilint_walk.py", "tests/ca/test_pkilint_parts.py"

WHICH = [
    Mutation(ISSUERS, "at < each.not_after and not is_revoked(each, at)", "at < each.not_after", T_ISSUERS),
    *without(ISSUERS, T_ISSUERS, "at < each.not_after and ", "one.revoked_at is not None and "),
    Mutation(ISSUERS, "at < each.not_after", "at <= each.not_after", T_ISSUERS),
    Mutation(ISSUERS, "return able[-1] if able", "return able[0] if able", T_ISSUERS),
    Mutation(ISSUERS, "each.issues_from <= at]", "each.issues_from < at]", T_ISSUERS),
    Mutation(ISSUERS, "one.revoked_at <= at", "one.revoked_at < at", T_ISSUERS),
    Mutation(
        ISSUERS, "key=lambda each: (each.issues_from, each.issuer.id)", "key=lambda each: each.issuer.id", T_ISSUERS
    ),
    Mutation(ISSUERS, "(each.issues_from, each.issuer.id)", "each.issues_from", T_ISSUERS),
    Mutation(ISSUERS, "return ends[-1] if ends", "return ends[0] if ends", T_ISSUERS),
    Mutation(ISSUERS, "if at <= now), now]", "), now]", T_ISSUERS),
    Mutation(
        ISSUERS, "(each.issues_from, each.not_after, each.revoked_at)", "(each.issues_from, each.not_after)", T_ISSUERS
    ),
    Mutation(
        ISSUERS, "(each.issues_from, each.not_after, each.revoked_at)", "(each.issues_from, each.revoked_at)", T_ISSUERS
    ),
    *off(ISSUERS, T_ISSUERS, "is_revoked(one, now)", "one.not_after <= now", "now < one.issues_from"),
    *off(ISSUERS, T_ISSUERS, "now < one.issues_from and not is_revoked(one, now)"),
    *without(
        ISSUERS, T_ISSUERS, " and not is_revoked(one, now)", " + SERVED_AFTER", "one.not_after if last == now else "
    ),
    Mutation(ISSUERS, "min(one.not_after, last + LONGEST + SERVED_AFTER)", "last + LONGEST + SERVED_AFTER", T_ISSUERS),
    Mutation(ISSUERS, " if now <= serves_until(issuing, each, now)]", "]", T_ISSUERS),
]
WHOSE_KEY = [
    Mutation(KEYRING, "SharedKey(self.opens(issuer_id), self.turn)", "self.opens(issuer_id)", T_KEYRING),
    Mutation(KEYRING, "if issuer_id not in self.opened:", "if True:", T_KEYRING),
    Mutation(KEYRING, "raise KeyError(issuer_id) from None", "raise", T_KEYRING),
    Mutation(OCSP, " or key.spki != issuer.spki", "", T_SEVERAL),
    Mutation(OCSP, "self.responders.get(issuer_id)", "next(iter(self.responders.values()), None)", T_SEVERAL),
    Mutation(
        OCSP, "found is None or not now < found.not_after - responder_certificate.RENEW_BEFORE", "found is None", T_OCSP
    ),
    Mutation("ca/signer_database.py", "storage.issuing_ca(", "storage.issuer(", T_SEVERAL),
    Mutation(OCSP, "storage.issuing_ca(", "storage.issuer(", T_SEVERAL),
]
WHOSE_STATUS = [
    Mutation(
        OCSP_SQL,
        "WHERE issuer_id = $1 AND due_at <= $2 ORDER BY",
        "WHERE $1::integer > 0 AND due_at <= $2 ORDER BY",
        T_SEVERAL,
    ),
    Mutation(OCSP_SQL, "o.serial = $2 AND o.issuer_id = $1", "o.serial = $2 AND $1::integer > 0", T_SEVERAL),
    Mutation(
        STATUS_SQL,
        "WHERE serial = $2 AND issuer_id = $1",
        "WHERE serial = $2 AND $1::integer > 0",
        T_SEVERAL,
    ),
    Mutation(
        STATUS_SQL, "WHERE o.issuer_id = i.id AND o.due_at <= $1) ORDER", "WHERE o.due_at <= $1) ORDER", T_SEVERAL
    ),
    Mutation(
        CRL_SQL,
        "WHERE issuer_id = $1 AND shard = $2 AND (published_at",
        "WHERE $1::integer > 0 AND shard = $2 AND (published_at",
        T_SEVERAL,
    ),
    Mutation(
        CRL_SQL,
        "FROM ca.crls WHERE issuer_id = $1 AND shard = $2",
        "FROM ca.crls WHERE $1::integer > 0 AND shard = $2",
        T_SEVERAL,
    ),
    Mutation(
        STORAGE_SQL,
        "WHERE issuer_id = $1 AND shard = $2 ORDER BY number",
        "WHERE $1::integer > 0 AND shard = $2 ORDER BY number",
        T_SEVERAL,
    ),
    Mutation(
        STORAGE_SQL,
        "WHERE i.id = ANY ($2) AND (",
        "WHERE $2::integer[] IS NOT NULL AND i.kind = 'issuing' AND (",
        T_SEVERAL,
    ),
    Mutation(
        STORAGE_SQL,
        "c.issuer_id = i.id AND c.shard = s.shard AND c.this_update",
        "c.shard = s.shard AND c.this_update",
        T_SEVERAL,
    ),
    Mutation(STORAGE_SQL, "r.issuer_id = i.id AND r.shard = s.shard", "r.shard = s.shard", T_SEVERAL),
    Mutation(STORAGE, "return issuers.active_issuer(found, now) or come[-1]", "return come[-1]", T_SEVERAL),
    *off(STORAGE, T_STORAGE, "not come"),
]
ONE_MORE = [
    Mutation(
        SUCCESSION,
        "Successor(number, root.id, root.status_url, wanted.issues_from)",
        "Successor(number, root.id, wanted.status_url, wanted.issues_from)",
        T_SUCCESSION,
    ),
    Mutation(
        SUCCESSION,
        "Successor(number, root.id, root.status_url, wanted.issues_from)",
        "Successor(number, root.id, root.status_url, None)",
        T_SUCCESSION,
    ),
    *off(SUCCESSION, T_SUCCESSION, "not found"),
    Mutation(SUCCESSION, "wanted.country or country", "wanted.country or ''", T_SUCCESSION),
    Mutation(SUCCESSION, "wanted.organization or organization", "wanted.organization or country", T_SUCCESSION),
    Mutation(
        SUCCESSION,
        "root.name, wanted.issuing, wanted.status_url",
        "root.name, wanted.issuing, root.status_url",
        T_SUCCESSION,
    ),
    Mutation(
        SCRIPT,
        "return self.successor.root_number if role == ROOT else self.successor.number",
        "return self.successor.number",
        T_SUCCESSION,
    ),
    Mutation(
        SCRIPT, "return tuple(Step) if self.successor is None else SUCCESSION", "return tuple(Step)", T_SUCCESSION
    ),
    *off(SCRIPT, T_SUCCESSION, "found is not None"),
    Mutation(SCRIPT, "if not vault.has(name):", "if True:", T_SUCCESSION),
    Mutation(STORAGE, "issues_from or now)", "now)", T_SUCCESSION),
]
KNOWN = [
    *(
        Mutation(PARTS, f"{before}        self.{of}watched = True\n", before, T_PARTS)
        for before, of in (
            ('"""All of its nodes."""\n', ""),
            ('"""All of its octets."""\n', ""),
            ('"""What is above it."""\n', "document."),
        )
    ),
    *off(PARTS, T_PARTS, "isinstance(_kept, cached_property)"),
    Mutation(PARTS, 'key = (f"{above.path}.{name}", octets)', 'key = ("", octets)', T_PARTS),
    Mutation(PARTS, "            part.parent = above\n", "", T_PARTS),
    Mutation(PARTS, " and extensions\n", "\n", T_PARTS),
    *without(
        PARTS,
        T_PARTS,
        "part.again.get(id(decoding)) == () and ",
        " and len(key[1]) <= PART_MAX",
        "fields[0] == V3 and ",
        " and listed[0] == 0x30",
        "not one or ",
        "der[0] != 0x30 or ",
        "tbs[0] != 0x30 or ",
    ),
    Mutation(PARTS, "            self.known[key] = part\n            part.parent", "            part.parent", T_PARTS),
    *off(PARTS, T_PARTS, "(outline := outlined(der)) is None"),
    Mutation(WALK, "faultless = False\n", "pass\n", T_PARTS),
    Mutation(WALK, "        if whole.watched:\n", "        if False:\n", T_PARTS),
    Mutation(WALK, "    whole.watched = bool(beyond)\n", "    whole.watched = False\n", T_PARTS),
    Mutation(WALK, "        whole.watched = False\n", "", T_PARTS),
    Mutation(WALK, "part.again.get(id(container))", "next(iter(part.again.values()), None)", T_PARTS),
    Mutation(WALK, "if type(validator).match not in BY_PATH_FIRST:", "if False:", T_PARTS),
]

MUTATIONS = [*WHICH, *WHOSE_KEY, *WHOSE_STATUS, *ONE_MORE, *KNOWN]
