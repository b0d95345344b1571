"""An organisation is addressed with 御中, a person with 様, in every Japanese letter and on every paper."""

import re
from importlib.resources import files

import pytest

from office.use_cases import credit_invoices, invoices, notices
from office.use_cases.addressing import addressed, honorific
from office.use_cases.deliver import address_notices
from office.use_cases.mail import Posting
from office.use_cases.notify import notify
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_books import billed as billed

POSTING = Posting(None, "https://office.test", "")


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        pytest.param("例示大学", "other_organisation", "御中", id="an organisation"),
        pytest.param("例", "juridical_person", "御中", id="a company, whatever its name"),
        pytest.param("例 太郎", "sole_proprietor", "様", id="a sole proprietor"),
        pytest.param("例 太郎", None, "様", id="a payer without a legal form"),
        pytest.param("親会社 株式会社", None, "御中", id="a payer, a company"),
        pytest.param("（株）例示", None, "御中", id="abbreviated"),
        pytest.param("一般社団法人例示", None, "御中", id="an association"),
        pytest.param("Example K.K.", None, "御中", id="K.K."),
        pytest.param("Example Co., Ltd.", None, "御中", id="Ltd."),
        pytest.param("Corina Incze", None, "様", id="a name that begins like a form"),
    ],
)
def test_honorific(name: str, kind: str | None, expected: str) -> None:
    assert honorific(name, kind) == expected
    assert addressed(name, kind, "ja") == f"{name} {expected}"
    assert addressed(name, kind, "en") == name


def test_no_text_has_an_honorific_of_its_own() -> None:
    texts = [each for each in (files("office") / "notices").iterdir() if each.name.endswith(".ja.txt")]
    assert len(texts) > 30
    for each in texts:
        _, addressee, *body = each.read_text(encoding="utf-8").split("\n\n")
        assert (each.name, addressee) in {(each.name, "$recipient"), ("caa_forbidden.ja.txt", addressee)}
        assert not re.search("(?<!お客)様$|御中", "\n\n".join([addressee, *body]), re.MULTILINE), each.name


@pytest.mark.parametrize(
    ("kind", "expected"), [("juridical_person", "株式会社 例 御中"), ("sole_proprietor", "株式会社 例 様")]
)
async def test_letters_and_papers_address_the_customer_by_its_kind(
    billed: Conn, pool: Pool, kind: str, expected: str
) -> None:
    await pool.execute("UPDATE gate.customers SET kind = $1", kind)
    contract = await pool.fetchval("SELECT id FROM gate.contracts WHERE handle = 'acme'")
    for role, name in (("dealer", "例示商店"), ("payer", "例 花子")):
        await notices.set_recipient(billed, "acme", role, name, f"{role}@example.jp", "ja", NOW)
    told = {"invoice": "F00000001", "open_yen": "1", "due_on": "2026-11-30"}
    await notify(billed, "payment_reminder", NOW, contract_id=contract, **told)
    await address_notices(pool, NOW, posting=POSTING)
    bodies = [row["body"] for row in await pool.fetch("SELECT body FROM office.deliveries")]
    for first in (expected, "例示商店 御中", "例 花子 様"):
        assert any(body.startswith(f"{first}\n") for body in bodies), (first, bodies)
    await credit_invoices.credit(billed, "F00000001", 5_500, 1000, None, "agreed", "ann", "bob", NOW)
    for page in (await invoices.page(billed, "F00000001"), await credit_invoices.page(billed, "C00000001")):
        assert f'<p class="buyer">{expected}</p>' in page
