"""Binding keys."""

from office.use_cases.keys import base64url, new_secret


def test_no_secret_looks_like_an_option_of_a_command_line() -> None:
    """`certbot --eab-hmac-key -x…` is a fault of usage; one key in 64 was such."""
    secrets = [new_secret() for _ in range(5000)]
    assert {len(secret) for secret in secrets} == {32}
    assert [text for secret in secrets if (text := base64url(secret)).startswith("-")] == []
