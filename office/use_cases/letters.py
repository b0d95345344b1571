"""Notices on paper as pages that print well: what an officer prints, folds and posts (T5-2)."""

from contract_gate.calendar import jst_date
from office.storage import notices as stored
from office.storage import sellers
from office.storage.notices import Shown
from office.use_cases import notices, papers
from office.use_cases.asked import Unfit
from sql import Conn


async def page(conn: Conn, delivery: str) -> str:
    """The letter: where it goes, who writes (the issuer of invoices of its day), and its text. Raises Unfit.

    One that had no address goes to the one that is registered now.
    """
    letter = await notices.shown(conn, delivery)
    addressee, _, text = letter.body.partition("\n\n")
    if letter.channel != "paper" or not text:
        raise Unfit(f"delivery '{delivery}' is no letter on paper: `keiyaku notice show` tells what it is")
    before = await sellers.sellers(conn, letter.queued_at, 1)
    return papers.page(
        "letter.html", letter=letter, addressee=addressee, paragraphs=text.strip().split("\n\n"),
        address=letter.address or await _address_now(conn, letter), sender=before[0] if before else None,
        written_on=jst_date(letter.queued_at),
    )  # fmt: skip


async def _address_now(conn: Conn, letter: Shown) -> str:
    return await stored.postal_address(conn, letter.customer_id) or "" if letter.customer_id else ""
