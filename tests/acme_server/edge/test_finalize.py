"""finalize: the CSR, the point of no return, and what happens when a part is away. RFC 8555 §7.4, design §4."""

import asyncio
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from acme_server.clock import utc_now
from acme_server.protocol.errors import ErrorType
from acme_server.use_cases import issue
from acme_server.use_cases.sweep import sweep_expired
from acme_server.validation.outcome import NotProven
from ca.signer_client import SignerClient
from tests.acme_server.client import Client, Json, Key, b64, csr, leaf, new_key
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import csr_for, finalize_with, ready, rfc3339, run, run_jobs, same_account

NAME = "www.demo.test"
STALE = "UPDATE acme.authorizations SET caa_checked_at = now() - interval '8 hours'"


async def status_of(client: Client, url: str) -> Json:
    """The order as it is now."""
    found: Json = (await client.post(url)).json
    return found


async def count(served: Served, table: str) -> int:
    found: int = await served.owner.fetchval(f"SELECT count(*) FROM {table}")
    return found


def tampered(der: bytes) -> bytes:
    """The CSR with another last octet, so that its signature does not verify."""
    return der[:-1] + bytes([der[-1] ^ 1])


def short_key_csr() -> bytes:
    """A CSR for the name over a key that is too short."""
    key = rsa.generate_private_key(65537, 1024)
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.std("A-126", "A-128", "A-129")
async def test_a_refused_csr_leaves_the_order_ready(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME, "b.demo.test")
    good = csr_for(order)
    pem = x509.load_der_x509_csr(good).public_bytes(Encoding.PEM).decode()
    cases: list[tuple[Json, str]] = [
        ({"csr": pem}, "malformed"),
        ({"csr": b64(good) + "="}, "malformed"),
        ({"csr": 7}, "malformed"),
        ({"csr": None}, "malformed"),
        ({}, "malformed"),
        ({"csr": ""}, "badCSR"),
        ({"csr": b64(b"not a CSR")}, "badCSR"),
        ({"csr": b64(good + b"\0")}, "badCSR"),
        ({"csr": b64(tampered(good))}, "badCSR"),
        ({"csr": b64(short_key_csr())}, "badCSR"),
        ({"csr": b64(csr(new_key(), [NAME]))}, "badCSR"),
        ({"csr": b64(csr(new_key(), [NAME, "b.demo.test", "c.demo.test"]))}, "badCSR"),
        ({"csr": b64(csr(new_key(), [NAME, "b.demo.test"], "c.demo.test"))}, "badCSR"),
        ({"csr": b64(csr(new_key(), [NAME, "*.demo.test"]))}, "badCSR"),
    ]
    for payload, error in cases:
        answer = await client.post(order["finalize"], payload)
        assert (answer.status, answer.error) == (400, error), (payload, answer.body)
        assert (await status_of(client, url))["status"] == "ready"
    assert await count(served, "ca.to_be_signed") == 0
    folded = csr(new_key(), ["B.Demo.test", NAME.upper()], NAME)
    assert (await finalize_with(client, order, folded)).json["status"] == "valid"


@pytest.mark.std("A-133", "A-132", "A-135")
async def test_a_csr_gives_names_and_key_and_nothing_else(served: Served) -> None:
    client, key = await served.registered(), new_key()
    url, order = await ready(client, NAME)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Somebody Else K.K.")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    for extension in (
        x509.SubjectAlternativeName([x509.DNSName(NAME)]),
        x509.BasicConstraints(ca=True, path_length=None),
        x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CODE_SIGNING]),
    ):
        builder = builder.add_extension(extension, critical=False)
    done = await finalize_with(client, order, builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
    assert (done.status, done.json["status"], done.headers["Location"]) == (200, "valid", url)
    certificate = leaf((await client.post(done.json["certificate"])).body)
    assert certificate.public_key() == key.public_key()
    assert "Somebody" not in certificate.subject.rfc4514_string()
    held = {extension.oid for extension in certificate.extensions}
    assert x509.ExtensionOID.BASIC_CONSTRAINTS not in held
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.ExtendedKeyUsageOID.CODE_SIGNING not in usage


@pytest.mark.std("A-131", "A-190")
async def test_a_key_of_any_account_is_no_certificate_key(served: Served) -> None:
    client, other = await served.registered(), await served.registered()
    url, order = await ready(client, NAME)
    for account in (client, other):
        refused = await client.finalize(order, account.key)  # type: ignore[arg-type]
        assert (refused.status, refused.error) == (400, "badCSR")
        assert "account" in refused.json["detail"]
    assert (await status_of(client, url))["status"] == "ready"
    assert (await client.finalize(order)).json["status"] == "valid"


@pytest.mark.std("A-131")
async def test_such_a_key_is_refused_before_a_slow_look_too(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, "UPDATE acme.authorizations SET caa_checked_at = now() - interval '8 hours'")
    refused = await client.finalize(order, client.key)  # type: ignore[arg-type]
    assert (refused.status, refused.error) == (400, "badCSR")
    assert (await status_of(client, url))["status"] == "ready"
    assert (await client.finalize(order)).json["status"] == "processing"


@pytest.mark.std("A-187")
async def test_a_blocked_key_is_refused(served: Served) -> None:
    client, key = await served.registered(), new_key()
    url, order = await ready(client, NAME)
    der = csr_for(order, key)
    await served.owner.execute(
        "INSERT INTO ca.blocked_keys (spki_sha256, cause, blocked_at) VALUES (sha256($1), 'test', now())",
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )
    refused = await finalize_with(client, order, der)
    assert (refused.status, refused.error) == (400, "badCSR")
    assert (await status_of(client, url))["status"] == "ready"
    assert (await client.finalize(order)).json["status"] == "valid"


@pytest.mark.std("A-127", "A-134")
async def test_only_a_ready_order_is_finalized(served: Served) -> None:
    client = await served.registered()
    placed = await client.order(NAME)
    order = placed.json
    early = await client.finalize(order)
    assert (early.status, early.error) == (403, "orderNotReady")
    await client.fulfil(order)
    assert (await client.finalize(order)).json["status"] == "valid"
    late = await client.finalize(order)  # of a client whose proxy lost the first answer and sent the request twice
    assert (late.status, late.error) == (403, "orderNotReady")
    assert late.json["detail"] == "This order is valid, not ready. Read the order: it names its certificate."
    stranger = await served.registered()
    assert (await stranger.finalize(order)).status == 404
    _, failing = await ready(client, "b.demo.test")
    await client.post(failing["authorizations"][0], {"status": "deactivated"})
    ended = await client.finalize(failing)
    assert (ended.status, ended.error) == (403, "orderNotReady")
    assert await count(served, "ca.certificates") == 1


@pytest.mark.std("A-127", "A-134")
async def test_five_at_once_get_one_certificate(served: Served) -> None:
    client = await served.registered()
    _, order = await ready(client, NAME)
    answers = await asyncio.gather(*(same_account(client).finalize(order) for _ in range(5)))
    won = [answer for answer in answers if answer.status == 200]
    lost = [answer for answer in answers if answer.status != 200]
    assert len(won) == 1
    assert won[0].json["status"] == "valid"
    assert [(answer.status, answer.error) for answer in lost] == [(403, "orderNotReady")] * 4
    for table in ("ca.certificates", "ca.to_be_signed", "ca.serials"):
        assert await count(served, table) == 1
    assert await count(served, "gate.decisions WHERE stage = 'finalize'") == 1


async def without_signer(served: Served, client: Client) -> tuple[str, Json]:
    """An order in processing whose signer does not answer: its URL and document."""
    url, order = await ready(client, NAME)
    there, served.context.signer = served.context.signer, SignerClient(served.context.signer.socket_path / "away")
    answer = await client.finalize(order)
    served.context.signer = there
    assert (answer.status, answer.json["status"], answer.headers["Retry-After"]) == (200, "processing", "1")
    assert answer.headers["Location"] == url
    return url, order


@pytest.mark.std("A-134", "A-135", "A-133")
async def test_with_the_signer_away_the_order_is_processing_until_it_is_back(served: Served) -> None:
    client = await served.registered()
    url, order = await without_signer(served, client)
    poll = await client.post(url)
    assert (poll.json["status"], poll.headers["Retry-After"]) == ("processing", "1")
    assert "certificate" not in poll.json
    again = await client.finalize(order)
    assert (again.status, again.error) == (403, "orderNotReady")
    assert again.json["detail"] == "This order is processing, not ready. Read the order until it is valid."
    assert await run_jobs(served, "issue") == ["issue"]
    done = await client.post(url)
    assert (done.json["status"], done.headers.get("Retry-After")) == ("valid", None)
    assert leaf((await client.post(done.json["certificate"])).body)
    assert await count(served, "ca.to_be_signed") == 1
    assert await run_jobs(served, "issue") == []


@pytest.mark.std("A-124", "A-125")
@pytest.mark.rule("T0-2")
async def test_past_its_deadline_the_order_ends_and_what_may_be_signed_is_revoked(served: Served) -> None:
    client = await served.registered()
    url, _ = await without_signer(served, client)
    assert await issue.end_overdue(served.context, utc_now() + timedelta(seconds=30)) == 0
    assert await issue.end_overdue(served.context, utc_now() + timedelta(seconds=61)) == 1
    ended = await status_of(client, url)
    assert (ended["status"], ended["error"]["type"]) == ("invalid", "urn:ietf:params:acme:error:serverInternal")
    assert "certificate" not in ended
    record = await served.owner.fetchrow(
        "SELECT t.state, r.reason, r.published_at FROM ca.to_be_signed t JOIN ca.revocations r ON r.serial = t.serial"
    )
    assert tuple(record) == ("void", None, None)
    assert await run_jobs(served, "issue", "crl") == ["crl"]
    assert await count(served, "ca.certificates") == 0
    assert (await status_of(client, url))["status"] == "invalid"
    assert await count(served, "evidence.records WHERE kind = 'order.ended'") == 1


@pytest.mark.std("A-134")
@pytest.mark.parametrize("is_first", [True, False], ids=["the contract's first", "a later one"])
async def test_old_caa_is_looked_at_again_before_signing(served: Served, is_first: bool) -> None:
    client = await served.registered()
    if not is_first:
        await client.certificate("b.demo.test")
    url, order = await ready(client, NAME, "127.0.0.1")
    await run(served, STALE)
    answer = await client.finalize(order)
    assert (answer.status, answer.json["status"], answer.headers["Retry-After"]) == (200, "processing", "1")
    again = await client.finalize(order)
    assert (again.status, again.error) == (403, "orderNotReady")
    served.looks.seen.clear()
    assert await run_jobs(served, "issue") == ["issue"]
    assert served.looks.seen == [("caa", NAME, "False", client.kid, "http-01")]
    assert (await status_of(client, url))["status"] == "valid"
    _, fresh = await ready(client, NAME, "127.0.0.1")
    assert (await client.finalize(fresh)).json["status"] == "valid"


@pytest.mark.std("A-124", "A-125")
async def test_caa_that_forbids_by_now_ends_the_order(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, STALE)
    await client.finalize(order)
    served.looks.caa_outcomes[NAME] = NotProven(ErrorType.CAA, "CAA permits another CA only.")
    await run_jobs(served, "issue")
    ended = await status_of(client, url)
    assert ended["status"] == "invalid"
    assert ended["error"] == {"type": "urn:ietf:params:acme:error:caa", "detail": "CAA permits another CA only."}
    assert await count(served, "ca.to_be_signed") == 0
    assert await run_jobs(served, "issue") == []


@pytest.mark.std("A-123")
async def test_a_caa_look_that_failed_is_made_again_until_the_deadline(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, STALE)
    await client.finalize(order)
    served.looks.caa_outcomes[NAME] = NotProven(ErrorType.DNS, "No answer.", temporary=True)
    assert await run_jobs(served, "issue") == ["issue"]
    assert (await status_of(client, url))["status"] == "processing"
    served.looks.caa_outcomes.clear()
    assert await run_jobs(served, "issue") == ["issue"]
    assert (await status_of(client, url))["status"] == "valid"


@pytest.mark.std("A-149", "A-109")
@pytest.mark.parametrize("ended", ["authorization", "account"])
async def test_what_ends_while_an_order_waits_is_not_issued_from(served: Served, ended: str) -> None:
    client = await served.registered()
    _, order = await ready(client, NAME)
    await run(served, STALE)
    await client.finalize(order)
    target = order["authorizations"][0] if ended == "authorization" else client.kid
    assert (await client.post(str(target), {"status": "deactivated"})).status == 200
    await run_jobs(served, "issue")
    assert await count(served, "ca.to_be_signed") == 0
    stored = await served.owner.fetchrow("SELECT status, error FROM acme.orders")
    assert (stored["status"], b"orderNotReady" in stored["error"]) == ("invalid", True)


async def test_nothing_is_issued_while_evidence_is_not_sealed(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, "UPDATE evidence.seal_state SET sealed_through_at = now() - interval '2 minutes'")
    refused = await client.finalize(order)
    assert (refused.status, refused.error, refused.headers["Retry-After"]) == (503, "serverInternal", "60")
    assert (await status_of(client, url))["status"] == "ready"
    await run(served, "UPDATE evidence.seal_state SET sealed_through_at = now() - interval '10 seconds'")
    assert (await client.finalize(order)).json["status"] == "valid"


@pytest.mark.std("A-124")
async def test_a_valid_order_stays_valid_whatever_becomes_of_its_parts(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    done = (await client.finalize(order)).json
    await client.post(order["authorizations"][0], {"status": "deactivated"})
    await run(served, "UPDATE acme.orders SET expires_at = now() - interval '1 second'")
    assert await sweep_expired(served.context, utc_now() + timedelta(days=7)) == 0
    kept = await status_of(client, url)
    assert (kept["status"], kept["certificate"]) == ("valid", done["certificate"])


@pytest.mark.std("A-115")
@pytest.mark.parametrize(
    ("late", "asked"),
    [
        ("UPDATE acme.orders SET not_before = now() - interval '25 hours'", []),
        (
            """INSERT INTO gate.contract_starts (contract_id, certificate_id, issued_at)
        SELECT id, gen_random_uuid(), now() - interval '120 months' + interval '60 days'
        FROM gate.contracts WHERE handle = 'demo'""",
            ["finalize"],
        ),
    ],
    ids=["the start is over", "the term ends sooner"],
)
async def test_a_wanted_validity_that_cannot_be_met_any_more_is_refused(
    served: Served, late: str, asked: list[str]
) -> None:
    client, now = await served.registered(), utc_now()
    wanted = {"notBefore": rfc3339(now), "notAfter": rfc3339(now + timedelta(days=90))}
    url, order = await ready(client, NAME, **wanted)
    await run(served, late)
    refused = await client.finalize(order)
    assert (refused.status, refused.error) == (400, "malformed")
    assert "notBefore" in refused.json["detail"] or "notAfter" in refused.json["detail"]
    assert (await status_of(client, url))["status"] == "ready"
    stages = [row["stage"] for row in await served.owner.fetch("SELECT stage FROM gate.decisions ORDER BY id")]
    assert stages == ["new_order", *asked]  # recorded, though the transaction was undone
    await run(served, "UPDATE acme.orders SET not_before = now()", "DELETE FROM gate.contract_starts")
    assert (await client.finalize(order)).json["status"] == "valid"


@pytest.mark.std("A-119", "A-128")
async def test_whatever_name_an_order_takes_can_be_certified(served: Served) -> None:
    client = await served.registered()
    long = ".".join(["a" * 63] * 3 + ["b" * (253 - 3 * 64 - len(".demo.test"))]) + ".demo.test"
    names = ["a" * 63 + ".demo.test", "xn--bro-hoa.demo.test", "*.xn--bro-hoa.demo.test", "0.demo.test", "demo.test"]
    for name in [*names, long, f"*.{long[2:]}", "127.255.255.254", "::1"]:
        placed = await client.order(name)
        assert placed.status == 201, (name, placed.body)
        await client.fulfil(placed.json)
        done = await client.finalize(placed.json)
        assert (done.status, done.json["status"]) == (200, "valid"), (name, done.body)
    for refused in ("ab--cd.demo.test", "a" * 64 + ".demo.test", f"a{long}"):
        assert (await client.order(refused)).status == 400


@pytest.mark.std("A-133")
@pytest.mark.parametrize("kind", ["P-384", "P-521", "RSA 2048", "RSA 4096"])
async def test_every_kind_of_key_that_clients_make_is_certified(served: Served, kind: str) -> None:
    client = await served.registered()
    key: Key
    if kind.startswith("RSA"):
        key = rsa.generate_private_key(65537, int(kind[4:]))
    else:
        key = ec.generate_private_key({"P-384": ec.SECP384R1, "P-521": ec.SECP521R1}[kind]())
    _, order = await ready(client, NAME)
    done = await client.finalize(order, key)
    assert (done.status, done.json["status"]) == (200, "valid"), done.body
    assert leaf((await client.post(done.json["certificate"])).body).public_key() == key.public_key()
