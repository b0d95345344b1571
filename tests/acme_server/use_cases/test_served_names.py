"""Names that no contract makes servable."""

import pytest

from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.use_cases import served_names
from acme_server.use_cases.context import Offers
from tests.acme_server.conftest import Served

ADDRESSES = (
    "127.0.0.1", "10.0.0.1", "100.64.0.1", "169.254.1.1", "172.16.0.1", "192.0.0.1", "192.0.2.1", "192.31.196.1",
    "192.52.193.1", "192.88.99.1", "192.168.0.1", "192.175.48.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "0.0.0.0", "::1", "::", "64:ff9b::1", "100::1", "2001::1", "2001:2::1",
    "2001:db8::1", "2002::1", "2620:4f:8000::1", "3fff::1", "5f00::1", "fc00::1", "fe80::1", "ff02::1",
)  # fmt: skip


@pytest.mark.std("C-013")
@pytest.mark.parametrize("name", [*ADDRESSES, "www.demo.test", "*.demo.test", "mail.internal", "printer.local"])
def test_what_is_not_of_the_public_internet_is_refused(name: str) -> None:
    served_names.check([name], public_only=False)
    with pytest.raises(AcmeError) as refused:
        served_names.check(["www.example.jp", name], public_only=True)
    assert refused.value.type is ErrorType.REJECTED_IDENTIFIER
    assert [each.name for each in refused.value.subproblems] == [name]


@pytest.mark.std("C-013")
@pytest.mark.parametrize("name", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "www.example.jp", "*.example.co.jp"])
def test_what_is_public_is_served(name: str) -> None:
    served_names.check([name], public_only=True)


@pytest.mark.std("C-030")
@pytest.mark.parametrize("public_only", [True, False])
def test_a_wildcard_under_a_public_suffix_is_refused(public_only: bool) -> None:
    with pytest.raises(AcmeError) as refused:
        served_names.check(["*.co.jp", "*.example.co.jp", "*.com"], public_only)
    assert [each.name for each in refused.value.subproblems] == ["*.co.jp", "*.com"]
    assert "public suffix" in refused.value.detail


@pytest.mark.std("C-013", "C-030")
async def test_orders_for_such_names_are_refused_with_a_subproblem_each(served: Served) -> None:
    client = await served.registered()
    refused = await client.order("*.co.jp", "www.demo.test")
    assert (refused.status, refused.error) == (400, "rejectedIdentifier")
    assert [each["identifier"]["value"] for each in refused.json["subproblems"]] == ["*.co.jp"]
    assert (await client.order("www.demo.test", "127.0.0.1")).status == 201
    served.context.offers = Offers(public_only=True)
    refused = await client.order("www.demo.test", "127.0.0.1")
    assert (refused.status, refused.error) == (400, "rejectedIdentifier")
    assert [each["identifier"] for each in refused.json["subproblems"]] == [
        {"type": "dns", "value": "www.demo.test"}, {"type": "ip", "value": "127.0.0.1"},
    ]  # fmt: skip
