"""Names that no application and no key may be for."""

import pytest

from office.use_cases import names
from office.use_cases.asked import Unfit


@pytest.mark.std("C-030")
@pytest.mark.parametrize(
    ("own", "public", "kind"),
    [
        ("*.example.co.jp", "*.co.jp", None),
        ("example.co.jp", "co.jp", "domain"),
        ("example.com.au", "com.au", "domain"),
    ],
)
def test_a_public_suffix_is_nobodys_domain(own: str, public: str, kind: str | None) -> None:
    assert names.parse(own, kind).value == own
    with pytest.raises(Unfit, match="is a public suffix"):
        names.parse(public, kind)


@pytest.mark.std("C-030")
def test_a_key_is_not_for_a_public_suffix() -> None:
    assert names.scope([".example.co.jp", "www.co.jp"]) == [".example.co.jp", "www.co.jp"]
    for entry in (".co.jp", "*.co.jp"):
        with pytest.raises(Unfit, match="is a public suffix"):
            names.scope([entry])
