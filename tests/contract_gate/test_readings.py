"""Adopted readings are dated rows with defaults, and contracts and invoices keep those of when they were made."""

import re
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest

from contract_gate.readings import (
    DEFAULT,
    DEFAULT_OF_INVOICE,
    KEPT,
    ContractReadings,
    InvoiceReadings,
    Kept,
    Reading,
    archive_of,
    as_of,
    days_of,
    grace_of,
    of_contract,
    of_invoice,
    rounding_of,
    spared,
    window_of,
)
from office.use_cases.readings import ADOPTED
from tests.architecture.ids import known
from tests.contract_gate.arrange import jst

SQL = Path(__file__).parents[2] / "sql"
DAY = timedelta(days=1)
MARCH, JUNE, NOW = jst(2026, 3, 1), jst(2026, 6, 1), jst(2026, 7, 1)
ROWS = (
    Reading("due.roll", JUNE, "none"),
    Reading("due.roll", MARCH, "previous"),
    Reading("cert.min_lifetime", MARCH, "7"),
)
OF_CONTRACTS = [  # key, value, field of ContractReadings, what is read
    ("block.scope", "customer", "block_scope", "customer"),
    ("cert.min_lifetime", "7", "min_lifetime", 7 * DAY),
    ("term.first_day", "not_counted", "first_day", "not_counted"),
    ("money.rounding", "half_up", "rounding", "half_up"),
    ("tax.apportion", "whole_at_end", "apportion", "whole_at_end"),
    ("tax.diff_due", "claim_date", "diff_due", "claim_date"),
]
OF_INVOICES = [
    ("due.roll", "none", "due_roll", "none"),
    ("payment.small_difference", "5", "small_difference_yen", 5),
    ("payment.tolerance", "5", "tolerance_yen", 5),
]
INSTANTS = {
    Kept.CONTRACT: {"c.accepted_at", "coalesce(c.accepted_at"},
    Kept.INVOICE: {"i.created_at", "now"},
    Kept.NEITHER: {"statement_timestamp"},
}


def test_every_reading_is_one_of_a_contract_an_invoice_or_neither() -> None:
    assert KEPT.keys() == ADOPTED.keys()
    assert {key for key, kept in KEPT.items() if kept is Kept.NEITHER} == {
        "notice.postal_days", "notice.result_within", "review.rejected_docs", "service_end.certs",
        "terms.min_notice_days",
    }  # fmt: skip
    assert {each[2] for each in OF_CONTRACTS} == set(ContractReadings.__struct_fields__)
    assert {each[2] for each in OF_INVOICES} == set(InvoiceReadings.__struct_fields__)


def test_every_reading_of_the_register_that_has_a_key_is_a_dated_row() -> None:
    """The register at the end of the articles, R-1 to R-28: a dash is a reading that is fixed (§0.3)."""
    register = [row for row in known().values() if row.level == "READING"]
    assert len(register) == 28
    assert {row.source.strip("` ") for row in register} - {"–"} <= KEPT.keys()


@pytest.mark.rule("T12-6")
@pytest.mark.parametrize(("value", "fits"), [("1", True), ("90", True), ("0", False), ("91", False), ("soon", False)])
def test_a_renewal_opens_ninety_days_ahead_at_most(value: str, fits: bool) -> None:
    """The signer goes by that: it refuses a term that begins later after its first certificate."""
    with nullcontext() if fits else pytest.raises(ValueError, match=r"renewal.opens|invalid literal"):
        assert window_of("renewal.opens", value) == int(value) * DAY


@pytest.mark.parametrize("key", sorted(KEPT))
def test_what_is_made_keeps_what_was_in_force_and_neither_is_asked_of_the_other(key: str) -> None:
    kept = KEPT[key]
    assert as_of(key, kept, MARCH, NOW) == (NOW if kept is Kept.NEITHER else MARCH)
    assert as_of(key, kept, None, NOW) == NOW
    for other in set(Kept) - {kept}:
        with pytest.raises(ValueError, match=f"{key} is one of {kept}, not of {other}"):
            as_of(key, other, MARCH, NOW)


@pytest.mark.parametrize(("key", "value", "field", "read"), OF_CONTRACTS, ids=[each[0] for each in OF_CONTRACTS])
def test_a_value_adopted_later_counts_for_contracts_made_later(key: str, value: str, field: str, read: object) -> None:
    rows = (Reading(key, JUNE, value),)
    assert getattr(of_contract(rows, JUNE, NOW), field) == read
    assert getattr(of_contract(rows, None, NOW), field) == read  # an application: now
    assert of_contract(rows, MARCH, NOW) == DEFAULT
    assert of_invoice(rows, NOW) == DEFAULT_OF_INVOICE


@pytest.mark.parametrize(("key", "value", "field", "read"), OF_INVOICES, ids=[each[0] for each in OF_INVOICES])
def test_a_value_adopted_later_counts_for_invoices_made_later(key: str, value: str, field: str, read: object) -> None:
    rows = (Reading(key, JUNE, value),)
    assert getattr(of_invoice(rows, JUNE), field) == read
    assert of_invoice(rows, MARCH) == DEFAULT_OF_INVOICE
    assert of_contract(rows, NOW, NOW) == DEFAULT


def test_what_statements_read_by_themselves_is_as_of_the_same_instant() -> None:
    found = {}
    for path in [*SQL.glob("*/*.sql"), SQL / "schema.sql"]:
        if path.parent.name == "migrations":
            continue
        pattern = r"key = '([a-z_.]+)'\s+AND (?:r\.)?effective_at <= ((?:coalesce\()?[a-z$0-9_.]+)[^;]{0,20}\s+ORDER BY"
        for key, instant in re.findall(pattern, path.read_text(encoding="utf-8")):
            found[path.name, key] = instant in INSTANTS[KEPT[key]]
    assert {key for _, key in found} >= {"block.scope", "due.roll", "invoice.names", "seal.scope"}
    assert all(found.values()), found


def test_without_rows_the_register_counts() -> None:
    assert DEFAULT_OF_INVOICE.due_roll == "next"
    assert DEFAULT.min_lifetime == DAY
    assert (DEFAULT_OF_INVOICE.small_difference_yen, DEFAULT_OF_INVOICE.tolerance_yen) == (1000, 0)
    assert DEFAULT.block_scope == "contract"
    assert of_contract((), MARCH, NOW) is DEFAULT
    assert of_invoice((), MARCH) is DEFAULT_OF_INVOICE


def test_the_newest_row_in_force_counts() -> None:
    assert of_contract(ROWS, jst(2026, 2, 28), NOW) == DEFAULT
    assert of_invoice(ROWS, jst(2026, 2, 28)) == DEFAULT_OF_INVOICE
    assert of_invoice(ROWS, MARCH).due_roll == "previous"
    assert of_contract(ROWS, MARCH, NOW).min_lifetime == 7 * DAY
    assert of_invoice(ROWS, JUNE).due_roll == "none"


@pytest.mark.parametrize(
    ("key", "value"), [("cert.min_lifetime", "soon"), ("block.scope", ""), ("money.rounding", "up")]
)
def test_a_value_that_no_contract_has_decides_nothing(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="a reading in gate"):
        of_contract((Reading(key, MARCH, value),), JUNE, NOW)


@pytest.mark.parametrize(("key", "value"), [("due.roll", "later"), ("payment.tolerance", "1.5")])
def test_a_value_that_no_invoice_has_decides_nothing(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="a reading in gate"):
        of_invoice((Reading(key, MARCH, value),), JUNE)


def test_values_read_one_by_one() -> None:
    assert (days_of("accept.lapse_days", None), days_of("reissue.window", "7")) == (180, 7)
    assert (grace_of(None), grace_of("manual"), grace_of("60")) == (None, None, 60 * DAY)
    assert (archive_of(None), archive_of("730")) == (timedelta(0), 730 * DAY)
    assert (rounding_of(None), rounding_of("ceiling")) == ("floor", "ceiling")
    for fault in (lambda: days_of("reissue.window", "0"), lambda: grace_of("0"), lambda: rounding_of("up")):
        with pytest.raises(ValueError, match=r"gate\.readings"):
            fault()


@pytest.mark.rule("T11-7")
@pytest.mark.parametrize(
    ("kept", "today", "grace"),
    [(None, None, None), (None, 30, None), (60, None, None), (60, 30, 60), (30, 60, 60), (30, 30, 30)],
)
def test_a_later_reading_spares_a_contract_and_never_harms_it(
    kept: int | None, today: int | None, grace: int | None
) -> None:
    """R-16: `manual` is None."""
    days = [None if each is None else each * DAY for each in (kept, today, grace)]
    assert spared(days[0], days[1]) == days[2]
