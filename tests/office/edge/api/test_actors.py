"""Evidence names the human who did it by hand (§0.3, T13-1): through the API the token's person."""

from datetime import date

import pytest

from office.use_cases import notices, payments, renewal
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api

ACTORS = "SELECT actor FROM evidence.records WHERE kind = ANY ($1) ORDER BY id"
MONEY = {"amount_yen": 400, "value_on": "2026-11-20", "remitter": "REI", "source": "passbook"}
PROGRAM = "process:operator"


async def actors(pool: Pool, *kinds: str) -> list[str]:
    return [row["actor"] for row in await pool.fetch(ACTORS, list(kinds))]


async def of(pool: Pool, handle: str) -> str:
    return f"person:{await pool.fetchval('SELECT id FROM gate.persons WHERE handle = $1', handle)}"


@pytest.mark.rule("T5-2", "T8-14")
async def test_who_sets_contacts_and_recipients_is_named(api: Api, applied: Conn, pool: Pool) -> None:
    """One whom nobody knows sets nothing; without a person it was a program."""
    for who in (None, "bob"):
        await notices.set_contact(applied, "kaisha", "ja", None, NOW, person=who)
        await notices.set_recipient(applied, "acme", "payer", "P", "p@payer.example", "ja", NOW, who)
    with pytest.raises(Unfit, match="nobody"):
        await notices.set_contact(applied, "kaisha", "ja", None, NOW, person="nobody")
    with pytest.raises(Unfit, match="nobody"):
        await notices.set_recipient(applied, "acme", "payer", "P", "p@payer.example", "ja", NOW, "nobody")
    payer = {"name": "Payer K.K.", "email": "money@payer.example"}
    assert (await api.call("officer", "PUT", "/customers/kaisha/contact", {"language": "en"}))[0] == 204
    assert (await api.call("officer", "PUT", "/contracts/acme/recipients/payer", payer))[0] == 204
    expected = [PROGRAM, await of(pool, "bob"), await of(pool, "ann")]
    assert await actors(pool, "contact.set") == await actors(pool, "recipient.set") == expected


@pytest.mark.rule("T8-5")
async def test_money_is_booked_by_the_person_of_the_token(api: Api, accepted: Conn, pool: Pool) -> None:
    """The token of a service is a program's."""
    bill = payments.Bill("I-1", "fee", date(2026, 11, 1), None, 60_500)
    await payments.add_invoice(accepted, "acme", bill, NOW)
    for role in ("officer", "service"):
        await api.made(role, "/payments", {"invoice": "I-1", **MONEY})
        await api.made(role, "/receipts", MONEY)
    expected = [await of(pool, "ann"), PROGRAM]
    assert await actors(pool, "payment.matched") == await actors(pool, "payment.recorded") == expected


@pytest.mark.rule("T12-4", "T14-1")
async def test_who_applies_for_what_follows_is_named(api: Api, accepted: Conn, pool: Pool) -> None:
    with pytest.raises(Unfit, match="nobody"):
        await renewal.apply(accepted, "acme-2", "acme", None, "change", NOW, "nobody")
    await api.made("applicant", "/contracts/acme/successors", {"handle": "acme-2", "link": "change"})
    assert (await actors(pool, "contract.applied"))[-1] == await of(pool, "hana")
