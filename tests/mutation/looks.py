"""What a look into the network must see before it proves a name, where it may look, and what CAA must allow."""

from tests.mutation.mutations import Mutation, off, without

LOOKS, TESTS = "acme_server/validation", "tests/acme_server/validation"
HTTP, MESSAGE, T_HTTP = f"{LOOKS}/http_01.py", f"{LOOKS}/http_message.py", f"{TESTS}/test_http_01.py"
ALPN, T_ALPN = f"{LOOKS}/tls_alpn_01.py", f"{TESTS}/test_tls_alpn_01.py"
CAA, T_CAA = f"{LOOKS}/caa.py", f"{TESTS}/test_caa.py"
TARGETS, ADDRESSES, T_TARGETS = f"{LOOKS}/targets.py", "acme_server/protocol/addresses.py", f"{TESTS}/test_targets.py"
CORROBORATION, T_CORROBORATION = f"{LOOKS}/corroboration.py", f"{TESTS}/test_corroboration.py"
LOOK, T_LOOK = f"{LOOKS}/look.py", f"{TESTS}/test_look.py"
COORDINATED = f"{TESTS}/test_coordinator.py"
WIRE, T_WIRE = f"{LOOKS}/dns_wire.py", f"{TESTS}/test_dns_wire.py"
VALIDATE, RESUME = "acme_server/use_cases/validate.py", "acme_server/use_cases/resume.py"
ISSUANCE = "tests/acme_server/edge/test_caa_at_issuance.py"

MUTATIONS = [
    *off(
        HTTP,
        T_HTTP,
        "response.head.status != 200",
        "not is_expected(response.body, key_authorization)",
        "len(trail) > MAX_REDIRECTS",
    ),
    Mutation(HTTP, "return body.rstrip(WHITESPACE) ==", "return body.strip(WHITESPACE) ==", T_HTTP),
    *off(
        MESSAGE,
        T_HTTP,
        "url.username is not None or url.password is not None",
        'url.scheme not in ("http", "https")',
        "port not in (DEFAULT_PORTS[url.scheme], own_port)",
        "is_ip(host) and not is_ip(first_host)",
        "not is_ip(host) and (len(host) > MAX_NAME or not HOST_NAME.fullmatch(host))",
        "len(location) > MAX_URL or not PRINTABLE.fullmatch(location)",
    ),
    *off(TARGETS, T_TARGETS, "not allow_private"),
    *without(TARGETS, T_TARGETS, " if may_dial(a, allow_private)"),
    Mutation(f"{LOOKS}/dial.py", "targets.in_order(addresses, settings.allow_private)", "addresses", T_HTTP),
    Mutation(ADDRESSES, "(*V4_NEVER, *V4_PRIVATE)", "V4_PRIVATE", T_TARGETS),
    Mutation(ADDRESSES, "(*V4_NEVER, *V4_PRIVATE)", "V4_NEVER", T_TARGETS),
    *without(ADDRESSES, T_TARGETS, "address in V6_GLOBAL and ", " and not any(address in net for net in V6_SPECIAL)"),
    *off(f"{LOOKS}/dns_01.py", f"{TESTS}/test_dns_01.py", "expected.encode() not in found.values"),
    *off(ALPN, T_ALPN, "presented.protocol != ALPN", "len(names) != 1", "not found.critical"),
    *without(
        ALPN,
        T_ALPN,
        " or found.value.value != expected",
        " and value.lower() == name.lower()",
        " and address == ipaddress.ip_address(name)",
    ),
    Mutation(ALPN, "if wrong := fault_of(presented, name, key_authorization):", "if wrong := None:", T_ALPN),
    *off(
        CAA,
        T_CAA,
        "record.flags & CRITICAL and record.tag not in KNOWN_TAGS",
        "grant.issuer is None or grant.issuer not in issuer_domains",
        "accounts and accounts != [account_uri]",
        "not all(found)",
        'answer.kind != "nxdomain"',
    ),
    *without(
        CAA, T_CAA, ' and method in methods[0].split(",")', "len(methods) == 1 and ", "wildcard and ", "wildcard or "
    ),
    Mutation(CAA, "issuewild if wildcard and issuewild else issue", "issue", T_CAA),
    Mutation(CAA, '[".".join(labels[i:]) for i in range(len(labels))]', "[base]", T_CAA),
    *off(LOOK, T_LOOK, "asked.type not in challenge_types(base, wildcard or asked.subdomains)"),
    Mutation(
        LOOK,
        "seen if isinstance(seen, NotProven) else await self.coordinator.corroborate(asked, seen)",
        "seen",
        COORDINATED,
    ),
    Mutation(LOOK, "return await self.coordinator.corroborate_caa(name, wildcard, seen)", "return seen", COORDINATED),
    *off(
        CORROBORATION,
        T_CORROBORATION,
        "(reply.check_type, reply.domain_or_ip_target) != (question.kind, question.target)",
        "reply.trace_identifier not in (None, question.trace)",
        "unknown := sorted(set(codes) - question.remotes.keys())",
        "len(set(codes)) < len(codes)",
        "reply.actual_orchestration_parameters.quorum_count < wanted",
        "answered < remotes_needed(now)",
        "asked - passed > may_fail(asked)",
    ),
    *without(
        CORROBORATION,
        T_CORROBORATION,
        "found.check_passed is not True or ",
        " or not found.check_completed",
        " or found.check_type not in (None, kind)",
        " and since <= instant(found.timestamp_ns) <= until",
        "reply.is_valid and ",
        " and reply.mpic_completed",
    ),
    Mutation(CORROBORATION, "None if registries >= 2 else", "None if registries else", T_CORROBORATION),
    Mutation(
        CORROBORATION, "len(answered), len(question.remotes), len", "len(answered), len(answered), len", T_CORROBORATION
    ),
    Mutation(
        CORROBORATION,
        "wanted = len(question.remotes) - may_fail(len(question.remotes))",
        "wanted = len(codes) - may_fail(len(codes))",
        T_CORROBORATION,
    ),
    Mutation(
        CORROBORATION,
        "sorted({*answered, *question.remotes} - passed)",
        "sorted(set(answered) - passed)",
        T_CORROBORATION,
    ),
    *without(
        WIRE, T_WIRE, "got_id != message_id or ", "not flags & QR or ", " or message[12:after].lower() != asked.lower()"
    ),
    Mutation(
        VALIDATE,
        "return permitted if isinstance(permitted, NotProven) else with_caa(outcome, permitted)",
        "return outcome",
        "tests/acme_server/edge/test_challenges.py",
    ),
    Mutation(
        RESUME,
        "if refused := next((each for each in outcomes if isinstance(each, NotProven)), None):",
        "if refused := None:",
        ISSUANCE,
    ),
    Mutation(
        "acme_server/protocol/objects.py", "BROAD_CHALLENGES if broad else DNS_CHALLENGES", "DNS_CHALLENGES", T_LOOK
    ),
]
