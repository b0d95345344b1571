"""Checks of what proves a name, for whom and how long; of CAA; of the names that nobody may have."""

from tests.mutation.mutations import Mutation, off, without

LOOKS, TESTS, EDGE = "acme_server/validation", "tests/acme_server/validation", "tests/acme_server/edge"
PERSIST, T_PERSIST = f"{LOOKS}/dns_persist_01.py", f"{TESTS}/test_dns_persist_01.py"
RESOLVER, T_RESOLVER = f"{LOOKS}/resolver.py", f"{TESTS}/test_resolver.py {TESTS}/test_dnssec.py"
SUBDOMAINS, T_SUBDOMAINS = "acme_server/protocol/subdomains.py", "tests/acme_server/protocol/test_subdomains.py"
SERVED, T_SERVED = "acme_server/use_cases/served_names.py", "tests/acme_server/use_cases/test_served_names.py"
METHODS, BEFORE = f"{EDGE}/test_methods.py", f"{EDGE}/test_pre_authorization.py"
T_REUSE = "tests/acme_server/protocol/test_reuse.py"
SUFFIXES = "tests/contract_gate/test_public_suffix.py"

MUTATIONS = [
    *off(
        PERSIST,
        T_PERSIST,
        "len(given) != len(set(given))",
        'not parameters.get("accounturi")',
        "until is not None and not UNIX_TIME.fullmatch(until)",
        'parameters["accounturi"] != account_url',
        "until is not None and at.timestamp() > int(until)",
        'broad and parameters.get("policy", "").lower() != "wildcard"',
        "settings.persist_needs_dnssec and not found.authentic",
    ),
    Mutation(PERSIST, "if is_ours(value, settings.issuer_domains)]", "]", T_PERSIST),
    Mutation(
        f"{LOOKS}/dns_01.py",
        "sha256(account_url.encode())",
        "sha256(account_url.lower().encode())",
        f"{TESTS}/test_dns_account_01.py",
    ),
    *off(f"{LOOKS}/look.py", f"{TESTS}/test_look.py", "asked.type not in methods"),
    *without(f"{LOOKS}/look.py", f"{TESTS}/test_look.py", " or asked.subdomains"),
    Mutation(RESOLVER, "answer.authentic and bool(answer.rdatas)", "bool(answer.rdatas)", T_RESOLVER),
    Mutation(f"{LOOKS}/dns_wire.py", "bool(flags & AD)", "True", T_RESOLVER),
    Mutation("acme_server/protocol/reuse.py", "LIMIT_OF_METHOD.get(method, lifetime)", "lifetime", T_REUSE),
    Mutation("acme_server/protocol/reuse.py", "if ttl is None:", "if True:", T_REUSE),
    Mutation("acme_server/protocol/reuse.py", "min(AT_HAND, order_lifetime)", "AT_HAND", T_REUSE),
    *off(SERVED, T_SERVED, "wildcard and is_public_suffix(base)", "public_only and not has_public_top(base)"),
    Mutation(SERVED, "public_only and not is_public(ip_address(base))", "False", T_SERVED),
    *off("contract_gate/domains.py", SUFFIXES, 'name.startswith("*.") and is_public_suffix(name[2:])'),
    *without(
        "contract_gate/domains.py",
        SUFFIXES,
        " and not is_public_suffix(entry.value)",
        " and not is_public_suffix(entry[1:])",
    ),
    *without(SUBDOMAINS, T_SUBDOMAINS, "each.subdomains and "),
    Mutation(SUBDOMAINS, 'name.endswith(f".{ancestor}")', "name.endswith(ancestor)", T_SUBDOMAINS),
    *without("acme_server/use_cases/wanted.py", BEFORE, " and not is_public_suffix(name)", "offers.subdomains and "),
    *without("sql/acme_server/orders.sql", BEFORE, " AND NOT subdomains"),
    Mutation("sql/acme_server/orders.sql", "THEN a.subdomains OR NOT w.subdomains", "THEN true", BEFORE),
    Mutation("sql/acme_server/orders.sql", "ELSE a.subdomains END", "ELSE true END", BEFORE),
    *without("acme_server/use_cases/pre_authorization.py", BEFORE, " and not is_ip(name)"),
    *off("acme_server/protocol/requests.py", BEFORE, 'name.startswith("*.")'),
    Mutation("sql/migrations/0027_validation.sql", "interval '240 hours'", "interval '2400 hours'", METHODS),
    Mutation("sql/migrations/0027_validation.sql", "OR NOT (wildcard OR subdomains)", "OR true", METHODS),
]
