"""Checks of the signed request, its keys, nonces, bindings and CSRs.

Not here, as nothing would change: parity of an RSA exponent, and of a CSR's modulus, which cryptography refuses too.
"""

from tests.mutation.mutations import Mutation, off, skipped, without

PROTOCOL, TESTS = "acme_server/protocol", "tests/acme_server/protocol"
JWS, T_JWS = f"{PROTOCOL}/jws.py", f"{TESTS}/test_jws.py"
KEYS, T_KEYS = f"{PROTOCOL}/keys.py", f"{TESTS}/test_keys.py {TESTS}/test_keys_widths.py"
NONCE, T_NONCE = f"{PROTOCOL}/nonce.py", f"{TESTS}/test_nonce.py"
EAB, T_EAB = f"{PROTOCOL}/external_account.py", f"{TESTS}/test_external_account.py"
CHANGE, T_CHANGE = f"{PROTOCOL}/key_change.py", f"{TESTS}/test_key_change.py"
CSR, T_CSR = f"{PROTOCOL}/csr.py", f"{TESTS}/test_csr.py"

MUTATIONS = [
    *off(JWS, T_JWS, "len(body) > max_bytes", "signed.nonce is not None"),
    *without(
        JWS,
        T_JWS,
        "flat.header is not UNSET or ",
        " or flat.signatures is not UNSET",
        "header.crit is not UNSET or ",
        " or header.b64 is not UNSET",
    ),
    Mutation(
        JWS,
        "if (header.kid is UNSET) == (header.jwk is UNSET):",
        "if header.kid is UNSET and header.jwk is UNSET:",
        T_JWS,
    ),
    Mutation(JWS, "any(member is not UNSET for member in members)", "False", T_KEYS),
    *(
        Mutation(JWS, "(self.d, self.p, self.q, self.dp, self.dq, self.qi, self.oth, self.k)", kept, T_KEYS)
        for kept in ("(self.k,)", "(self.d,)")
    ),
    Mutation(JWS, '"RS256")  #', '"RS256", "none", "HS256")  #', T_KEYS),
    Mutation(JWS, 'f"{flat.protected}.{flat.payload}".encode()', 'f"{flat.protected}.".encode()', T_CHANGE),
    *off(
        f"{PROTOCOL}/strict_json.py",
        f"{TESTS}/test_strict_json.py",
        'text.count(b"{") + text.count(b"[") > MAX_BRACKETS',
        "name in seen",
    ),
    *off(f"{PROTOCOL}/base64url.py", f"{TESTS}/test_base64url.py", "encode(octets) != text"),
    *off(
        KEYS,
        T_KEYS,
        "alg not in ALGORITHMS",
        "jwk.is_secret",
        "signed.alg not in key.algs",
        "len(signature) != 2 * curve.octets",
        "len(x) != curve.octets or len(y) != curve.octets",
        'jwk.crv != "Ed25519"',
        "len(x) != 32",
        'n[:1] in (b"", b"\\0") or e[:1] in (b"", b"\\0")',
    ),
    *skipped(KEYS, T_KEYS, "_verify(key.public_key, signed.signature, signed.signing_input)", "_check_policy(key)"),
    *without(
        KEYS,
        T_KEYS,
        " or y in _ED25519_SMALL",
        "bits and ",
        "numbers.n % 2 == 1 and ",
        " and RSA_EXPONENTS[0] <= numbers.e <= RSA_EXPONENTS[1]",
        " if key.curve.name not in _CURVE_OF_KEY",
        " if not _is_ed25519_point(key.public_bytes_raw())",
        " if not _is_rsa_fit(key.public_numbers())",
    ),
    Mutation(KEYS, "return pow(u * v, (_ED25519_PRIME - 1) // 2, _ED25519_PRIME) == 1", "return True", T_KEYS),
    *without(
        NONCE,
        T_NONCE,
        "not hmac.compare_digest(mac, _mac(key, signed)) or ",
        " or signed[_TIME : _TIME + _EPOCH] != _epoch(key)",
        " < lifetime.total_seconds()",
        "-CLOCK_SKEW <= ",
    ),
    Mutation(NONCE, "_period(lifetime) - 2)", "_period(lifetime) - 1)", T_NONCE),
    Mutation(NONCE, "_epoch(key) + random16\n", "_epoch(key) + bytes(16)\n", T_NONCE),
    *off(
        EAB,
        T_EAB,
        "signed.alg not in MAC_ALGORITHMS",
        "signed.url != outer_url",
        "bound.thumbprint != outer_key.thumbprint",
    ),
    *without(
        EAB, T_EAB, " or not _KID.fullmatch(signed.kid)", "not good or ", " or hmac.compare_digest(hmac_key, DUMMY_KEY)"
    ),
    *off(
        CHANGE,
        T_CHANGE,
        "signed.url != outer_url",
        "change.account != account_url",
        "keys.of_jwk(change.old_key).thumbprint != current_key.thumbprint",
    ),
    *skipped(CHANGE, T_CHANGE, "keys.verify(signed, new_key)"),
    *off(CSR, "tests/acme_server/edge/test_bounds.py::test_a_csr_at_its_limit", "len(der) > MAX_DER"),
    *off(
        CSR,
        T_CSR,
        "digest is None or digest.name not in DIGESTS",
        "not csr.is_signature_valid",
        "not names",
        "len(names) > MAX_IDENTIFIERS",
        "is_ip(value)",
    ),
    *skipped(CSR, T_CSR, "_check_signature(csr)", "_check_rsa(key.public_numbers())"),
    *without(
        CSR,
        T_CSR,
        " if key.curve.name in CURVES",
        "not RSA_BITS[0] <= bits <= RSA_BITS[1] or ",
        " or bits % 8",
        " or not RSA_EXPONENTS[0] <= numbers.e <= RSA_EXPONENTS[1]",
    ),
    Mutation(CSR, "if ordered == asked:", "if ordered <= asked:", T_CSR),
    Mutation(CSR, "if ordered == asked:", "if ordered >= asked:", T_CSR),
    Mutation(CSR, 'names[_domain(value, "common name")] = None', "pass", T_CSR),
    Mutation(
        CSR, '_refuse("has an alternative name that is neither dNSName nor iPAddress. Leave it out")', "continue", T_CSR
    ),
]
