"""Certificate download: chains, their form, their owner, their life. RFC 8555 §7.4.2, §9.1."""

import re
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from acme_server.clock import utc_now
from acme_server.protocol import certid
from ca.der import split
from tests.acme_server.client import Client, der, leaf
from tests.acme_server.conftest import BASE, Served
from tests.acme_server.edge.arrange import ready, run

NAME = "www.demo.test"
STRICT = re.compile(
    rb"(-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/=]{1,64}\n-----END CERTIFICATE-----\n)+"
)


async def issued(client: Client, name: str = NAME) -> str:
    """URL of a new certificate."""
    _, order = await ready(client, name)
    found: str = (await client.finalize(order)).json["certificate"]
    return found


async def roots(served: Served) -> list[x509.Certificate]:
    """The root of each chain, in the order of the chains."""
    main = await served.owner.fetchval("SELECT certificate FROM ca.issuers WHERE kind = 'root' ORDER BY id LIMIT 1")
    crosses = await served.owner.fetch("SELECT chain FROM ca.cross_certificates ORDER BY id")
    return [x509.load_der_x509_certificate(each) for each in [main, *(split(row["chain"])[-1] for row in crosses)]]


@pytest.mark.std("A-172", "A-173", "A-174")
async def test_every_chain_is_strict_pem_and_leads_to_its_root(served: Served) -> None:
    client = await served.registered()
    url = await issued(client)
    first = await client.post(url)
    assert (first.status, first.headers["Content-Type"]) == (200, "application/pem-certificate-chain")
    chains = [first.body, *[(await client.post(other)).body for other in first.links("alternate")]]
    anchors = await roots(served)
    assert len(chains) == len(anchors) >= 1
    for chain, root in zip(chains, anchors, strict=True):
        assert STRICT.fullmatch(chain)
        own, *above = x509.load_pem_x509_certificates(chain)
        assert own == leaf(first.body)
        assert own.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        for lower, upper in zip([own, *above], [*above, root], strict=True):
            lower.verify_directly_issued_by(upper)
        assert root not in above
        verifier = PolicyBuilder().store(Store([root])).time(utc_now() + timedelta(seconds=1))
        assert verifier.build_server_verifier(x509.DNSName(NAME)).verify(own, above)[-1] == root


@pytest.mark.std("A-175")
async def test_alternate_chains_are_linked_from_each_other_and_no_more_exist(served: Served) -> None:
    client = await served.registered()
    url = await issued(client)
    number = len(served.context.chains)
    everything = {url, *(f"{url}/{other}" for other in range(1, number))}
    for each in everything:
        answer = await client.post(each)
        assert set(answer.links("alternate")) == everything - {each}
    for absent in (f"{url}/{number}", f"{url}/0", f"{url}/01", f"{url}/x", f"{BASE}/certificate/{uuid4()}"):
        assert (await client.post(absent)).status == 404, absent


@pytest.mark.std("A-177")
async def test_the_url_gives_the_same_bytes_for_ever(served: Served) -> None:
    client = await served.registered()
    url = await issued(client)
    before = (await client.post(url)).body
    assert (await client.post(url)).body == before
    assert (await client.post("/revoke-cert", {"certificate": der(leaf(before))})).status == 200
    assert (await client.post(url)).body == before
    await run(
        served, "UPDATE ca.certificates SET not_after = now() - interval '1 day', not_before = now() - interval '9 d'"
    )
    assert (await client.post(url)).body == before


@pytest.mark.std("A-174", "A-177", "A-214")
async def test_a_new_issuing_ca_leaves_older_certificates_their_chain(served: Served) -> None:
    client = await served.registered()
    url = await issued(client)
    before = await client.post(url)
    old = served.context.issuer
    own = leaf(before.body)
    name = certid.format(old.key_id, own.serial_number.to_bytes(own.serial_number.bit_length() // 8 + 1, "big"))
    assert (await client.send("GET", f"/renewal-info/{name}")).status == 200
    served.context.issuer = msgspec.structs.replace(old, id=99, key_id=b"another key of this CA")
    served.context.chains = [[b"another chain"]]
    after = await client.post(url)
    assert (after.body, after.links("alternate")) == (before.body, before.links("alternate"))
    assert (await client.send("GET", f"/renewal-info/{name}")).status == 200
    assert (await client.order(NAME, replaces=name)).status == 201


@pytest.mark.std("A-034", "A-038", "A-189")
async def test_a_certificate_is_read_by_its_owner_only(served: Served) -> None:
    client, stranger = await served.registered(), await served.registered()
    url = await issued(client)
    foreign, absent = await stranger.post(url), await stranger.post(f"{BASE}/certificate/{uuid4()}")
    assert (foreign.status, foreign.error) == (404, "malformed")
    assert foreign.body == absent.body
    refused = await client.post(url, {})
    assert (refused.status, refused.error) == (400, "malformed")
    assert (await client.send("GET", url)).status == 405
    assert (await client.post(url)).status == 200
