"""One certificate, from registration to download, and what every answer on the way has."""

from tests.acme_server.client import leaf
from tests.acme_server.conftest import Served


async def test_a_certificate_from_registration_to_download(served: Served) -> None:
    client = await served.registered()
    chain = await client.certificate("www.demo.test", "*.demo.test", "127.0.0.1")
    assert leaf(chain).issuer.rfc4514_string() == "CN=Test Issuing CA,O=Test CA,C=JP"
    assert chain.count(b"BEGIN CERTIFICATE") == 2
