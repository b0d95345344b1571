"""Who the database knows, and whether evidence or a log says who somebody is: it must not (T16-3)."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg

# Names, e-mail and postal addresses: every column that contract_gate/articles/article_16_secrecy.py names for them.
PEOPLE = """
    SELECT name AS who FROM gate.persons UNION SELECT name FROM gate.customers
    UNION SELECT contact_email FROM gate.customers UNION SELECT representative FROM office.applications
    UNION SELECT payer FROM office.applications UNION SELECT subject FROM office.screenings
    UNION SELECT remitter FROM gate.receipts UNION SELECT remitter FROM office.bank_lines
    UNION SELECT name FROM office.payer_aliases UNION SELECT name FROM office.dealer_aliases
    UNION SELECT postal_address FROM office.contacts UNION SELECT name FROM office.recipients
    UNION SELECT email FROM office.recipients UNION SELECT reporter FROM office.problem_reports
    UNION SELECT email FROM office.problem_reports UNION SELECT reporter FROM office.key_proofs
    UNION SELECT email FROM office.key_proofs UNION SELECT address FROM office.deliveries WHERE channel <> 'web'
    UNION SELECT buyer FROM office.invoice_papers UNION SELECT payer FROM office.invoice_papers
    UNION SELECT replace(unnest(contacts), 'mailto:', '') FROM acme.accounts
"""
KNOWN = f"SELECT who FROM ({PEOPLE}) AS people WHERE length(who) > 1"
NAMED = f"""
SELECT DISTINCT e.kind, p.who FROM ({KNOWN}) AS p
JOIN evidence.records e ON position(p.who IN convert_from(e.content, 'UTF8')) > 0 ORDER BY 1, 2
"""


class Found(set[str]):
    """Who is known; what evidence says of them is looked for at once, a log can be read later."""

    evidence: list[tuple[str, str]]

    def in_text(self, text: str) -> list[str]:
        """Lines that say who somebody is."""
        return [line for line in text.splitlines() if any(who in line for who in self)]


async def look(dsn: str) -> Found:
    """Everybody the database knows."""
    conn = await asyncpg.connect(dsn)
    try:
        found = Found(row["who"] for row in await conn.fetch(KNOWN))
        found.evidence = [(row["kind"], row["who"]) for row in await conn.fetch(NAMED)]
        return found
    finally:
        await conn.close()


def look_now(dsn: str) -> Found:
    """The same, whether or not an event loop runs here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(look(dsn))).result()
