"""From application to end, on the real database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from office.storage.people import Text
from office.use_cases import acceptance, application, bank, contracts, ending, holds, keys, register, renewal
from office.use_cases.asked import Unfit
from sql import Conn
from tests.conftest import NOW
from tests.office.conftest import ACCESS, YESTERDAY


@pytest.mark.rule("T4-5", "T12-2")
async def test_two_people_accept_what_is_complete(applied: Conn) -> None:
    with pytest.raises(Unfit, match="two different people"):
        await acceptance.accept(applied, "acme", "ann", "ann", ACCESS, NOW)
    made = await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    assert (made.state, made.accepted_at) == ("accepted", NOW)
    assert await applied.fetchval("SELECT count(*) FROM gate.invoices") == 0
    with pytest.raises(Unfit, match="no application"):
        await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)


@pytest.mark.rule("T1-2", "T3-1", "T13-1")
async def test_acceptance_needs_consent_review_subject_name_and_a_base_in_japan(operator: Conn) -> None:
    await register.add_person(operator, "ann", "Ann", "CA", NOW)
    await register.add_person(operator, "bob", "Bob", "CA", NOW)
    abroad = register.customer("ltd", "Ltd", "sole_proprietor", None, False, None, NOW)
    await register.add_customer(operator, abroad, NOW)
    await register.add_plan(operator, register.plan("small", "Small", 1, 12, 1, NOW), NOW)
    await contracts.create(operator, "new", "ltd", "small", NOW)
    with pytest.raises(Unfit) as refused:
        await acceptance.accept(operator, "new", "ann", "bob", ACCESS, NOW)
    for missing in ("consent", "subject", "a name", "a base of activity in Japan", "review of screening"):
        assert missing in str(refused.value)


@pytest.mark.rule("T3-2", "T3-4")
@pytest.mark.std("C-009")
@pytest.mark.parametrize(("status", "accepted"), [("reported", True), ("suspected", False)])
async def test_a_suspicion_blocks_acceptance_a_report_does_not(applied: Conn, status: str, accepted: bool) -> None:
    await holds.set_hold(applied, "acme", "conduct", status, 6, "mail", "ann", NOW)
    if accepted:
        assert (await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)).state == "accepted"
    else:
        with pytest.raises(Unfit, match="end of its hold"):
            await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)


@pytest.mark.rule("T4-3")
async def test_the_newest_verdict_counts(applied: Conn) -> None:
    negative = application.Review("address", "1", "visit", YESTERDAY, "negative")
    await application.review(applied, "acme", negative, "bob", NOW + timedelta(seconds=1))
    with pytest.raises(Unfit, match="review of address"):
        await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)


@pytest.mark.rule("T4-4")
async def test_no_data_of_a_review_is_of_a_day_to_come(applied: Conn) -> None:
    """The day is Japan's: there it is the 22nd of November still at 14:59 UTC, and the 23rd at 15:00."""
    item = application.Review("address", "1", "register", date(2026, 11, 23), "positive")
    last = datetime(2026, 11, 22, 14, 59, 59, tzinfo=UTC)
    with pytest.raises(Unfit, match="lies in the future"):
        await application.review(applied, "acme", item, "bob", last)
    await application.review(applied, "acme", item, "bob", last + timedelta(seconds=1))


@pytest.mark.rule("T8-1", "T8-13", "T4-8")
async def test_names_stay_within_the_contracted_number(accepted: Conn) -> None:
    for name, kind in (("*.example.jp", "wildcard"), ("192.0.2.1", "network")):
        assert (await application.add_name(accepted, "acme", name, None, NOW)).kind == kind
    with pytest.raises(Unfit, match="3 names already"):
        await application.add_name(accepted, "acme", "c.example.jp", None, NOW)
    await application.remove_name(accepted, "acme", "A.example.jp", None, NOW)
    assert (await application.add_name(accepted, "acme", "c.example.jp", "domain", NOW)).value == "c.example.jp"
    assert (await contracts.shown(accepted, "acme")).names_max == 3


@pytest.mark.rule("T4-2")
async def test_keys_are_handed_out_after_acceptance_and_withdrawn_for_good(applied: Conn) -> None:
    with pytest.raises(Unfit, match="not accepted"):
        await keys.new_key(applied, "acme", "l", [], None, None, NOW)
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    made = await keys.new_key(applied, "acme", "web", ["a.example.jp", ".b.jp"], 2, NOW + timedelta(days=1), NOW)
    [shown] = await keys.listed(applied, "acme")
    assert (shown.kid, shown.names, shown.uses_max, shown.uses) == (made.kid, ["a.example.jp", ".b.jp"], 2, 0)
    assert made.hmac_key not in str(shown)
    await keys.withdraw(applied, made.kid, NOW)
    with pytest.raises(Unfit, match="withdrawn before"):
        await keys.withdraw(applied, made.kid, NOW)


@pytest.mark.rule("T12-3")
async def test_an_ended_contract_stays_ended(accepted: Conn) -> None:
    ended = await ending.rescind(accepted, "acme", "A11.4.1", "ann", "bob", NOW)
    assert (ended.state, ended.end_cause, ended.ended_at) == ("ended", "rescinded", NOW)
    with pytest.raises(Unfit, match="not running"):
        await ending.cancel(accepted, "acme", "ann", NOW)


@pytest.mark.rule("T2-1")
async def test_consent_names_texts_on_record_person_instant_and_channel(applied: Conn) -> None:
    with pytest.raises(Unfit, match="no cps version '2'"):
        await application.consent(applied, "acme", "1", "2", "ann", "web", NOW, NOW)
    with pytest.raises(Unfit, match="in the future"):
        await application.consent(applied, "acme", "1", "1", "ann", "web", NOW + timedelta(seconds=1), NOW)
    row = await applied.fetchrow("SELECT terms_version, cps_version, channel, consented_at FROM gate.consents")
    assert tuple(row) == ("1", "1", "web", NOW)


async def test_a_contract_is_found_by_handle_and_by_id(applied: Conn) -> None:
    by_handle = await contracts.dossier(applied, "acme")
    assert await contracts.dossier(applied, str(by_handle.contract.id)) == by_handle
    with pytest.raises(Unfit, match="no contract 'acm'"):
        await contracts.dossier(applied, "acm")


@pytest.mark.rule("T20-1")
@pytest.mark.parametrize("effective", [NOW - timedelta(days=400), NOW - timedelta(days=1), NOW + timedelta(days=60)])
async def test_later_terms_never_count_without_their_announcement(reviewed: Conn, effective: datetime) -> None:
    """Neither in the past, where they would change what was decided, nor to come; the CP/CPS is not of Article 20."""
    for kind, refused in (("terms", True), ("cps", False)):
        text = Text(kind, "2", bytes(32), "https://ca.example/2", effective)
        if refused:
            with pytest.raises(Unfit, match="announced first"):
                await register.add_text(reviewed, text, NOW)
        else:
            await register.add_text(reviewed, text, NOW)
    known = [(each.kind, each.version) for each in await register.texts(reviewed)]
    assert sorted(known) == [("cps", "1"), ("cps", "2"), ("terms", "1")]


@pytest.mark.parametrize(
    "handle",
    [
        pytest.param("018f3c1e-7b2a-7c3d-8e4f-5a6b7c8d9e0f", id="an id"),
        pytest.param("018f3c1e7b2a7c3d8e4f5a6b7c8d9e0f", id="without hyphens"),
        pytest.param("0-18f3c1e7b2a7c3d8e4f5a6b7c8d9e0f", id="with another hyphen"),
        pytest.param("7", id="a number"),
    ],
)
async def test_no_handle_of_a_contract_reads_as_the_id_or_number_of_another(applied: Conn, handle: str) -> None:
    with pytest.raises(Unfit, match="reads as"):
        await contracts.create(applied, handle, "kaisha", "small", NOW)
    with pytest.raises(Unfit, match="reads as"):
        await renewal.apply(applied, handle, "acme", None, "renewal", NOW)
    if handle != "7":  # a number stands for nothing but a contract
        with pytest.raises(Unfit, match="reads as an id"):
            await register.add_person(applied, handle, "P", "CA", NOW)
        with pytest.raises(Unfit, match="reads as an id"):
            await bank.open_account(applied, handle, YESTERDAY, "file", NOW)
    await contracts.create(applied, f"c{handle[:8]}", "kaisha", "small", NOW)
