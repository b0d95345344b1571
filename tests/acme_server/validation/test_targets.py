"""Which addresses may be dialled: a table."""

import pytest

from acme_server.validation.targets import in_order, may_dial

PUBLIC = ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.3.1",
          "223.255.255.255", "2606:4700:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"]  # fmt: skip
PRIVATE = ["10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "172.16.0.1", "172.31.255.255", "192.168.1.1",
           "192.0.0.8", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "192.88.99.1", "::1", "fc00::1",
           "fd12:3456::1"]  # fmt: skip
NEVER = ["0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
         "::", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
         "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::1", "2002:a00:1::", "64:ff9b::7f00:1",
         "64:ff9b:1::a00:1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "::ffff:8.8.8.8", "www.demo.test", "127.1",
         "0x7f000001", "2130706433", ""]  # fmt: skip


@pytest.mark.std("A-161")
@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_dialled(address: str) -> None:
    assert may_dial(address, allow_private=False)


@pytest.mark.std("A-161")
@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_for_development_only(address: str) -> None:
    assert not may_dial(address, allow_private=False)
    assert may_dial(address, allow_private=True)


@pytest.mark.std("A-161")
@pytest.mark.parametrize("address", NEVER)
def test_internal_and_translated_addresses_are_never_dialled(address: str) -> None:
    assert not may_dial(address, allow_private=False)
    assert not may_dial(address, allow_private=True)


@pytest.mark.std("A-163")
@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["2606:4700::1", "2606:4700::2", "8.8.8.8", "1.1.1.1"], ["2606:4700::1", "8.8.8.8"]),
        (["8.8.8.8", "2606:4700::1"], ["2606:4700::1", "8.8.8.8"]),
        (["fd00::1", "10.0.0.1", "8.8.8.8"], ["8.8.8.8"]),
        (["8.8.8.8", "1.1.1.1"], ["8.8.8.8"]),
        (["::1", "127.0.0.1"], []),
        ([], []),
    ],
)
def test_in_order_takes_one_permitted_address_a_family(addresses: list[str], expected: list[str]) -> None:
    assert in_order(addresses, allow_private=False) == expected
