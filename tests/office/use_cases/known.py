"""Something of every kind that is known of people, typed in at NOW: what retention must find and destroy."""

import re
from collections.abc import Mapping

from contract_gate.calendar import jst_date
from office.use_cases import ending, notices, payments
from sql import Conn, Pool
from sql.ids import uuid7
from tests.conftest import NOW
from tests.office.use_cases.issued import issue

TYPED = (
    "例 太郎", "Ann", "Bob", "親 太郎", "レイ ハナコ", "通報 者", "@typed.example",
    "千代田区 1-1", "ann and bob", "株式会社 例",
)  # fmt: skip
# What other use cases leave of people, each as its own tests show.
KNOWN = """
INSERT INTO gate.bank_accounts (id, handle, covered_from, covered_through) VALUES (:account, 'main', :now, :now);
INSERT INTO office.bank_files (id, sha256, name, imported_at, lines, known, late, missing)
VALUES (:file, sha256(''), 'f', :now, 1, 0, 0, 0);
INSERT INTO gate.binding_keys (id, kid, contract_id, hmac_key, label, created_at)
VALUES (:id, 'k', :contract, sha256(''), 'l', :now);
INSERT INTO gate.holds (id, contract_id, kind, status, item, reason, set_by, set_at)
VALUES (:id, :contract, 'conduct', 'reported', 1, '例 太郎 did it', :ann, :now);
INSERT INTO office.payer_aliases (id, customer_id, name, key, added_by, added_at)
VALUES (:id, :customer, 'レイ ハナコ', 'レイ ハナコ', :ann, :now);
INSERT INTO office.dealer_aliases (id, dealer, name, key, added_by, added_at, removed_at)
VALUES (:id, 'D', 'レイ ハナコ', 'レイ ハナコ', :ann, :now, :now);
INSERT INTO office.problem_reports (id, reporter, email, what, serials, received_at, preliminary_at, findings,
    answered_by, closed_at)
VALUES (:id, '通報 者', 'r@typed.example', '例 太郎', '{x}', :now, :now, 'f', :ann, :now);
INSERT INTO office.key_proofs (id, spki, spki_sha256, kind, proof, reporter, email, received_at)
VALUES (:id, '', sha256(''), 'csr', '', '通報 者', 'r@typed.example', :now);
INSERT INTO office.cases (id, ground, contract_id, reporter, note, received_at, state, attention)
VALUES (:id, 'damage', :contract, '通報 者', 'n', :now, 'closed', false);
INSERT INTO office.proposals (id, kind, contract_id, arguments, proposed_by, proposed_at, expires_at)
VALUES (:id, 'case.decide', :contract, '["例 太郎"]', :ann, :now, 'infinity');
INSERT INTO office.bank_lines (file_id, record, bank_account_id, nature, booked_on, value_on, amount_yen, uncleared_yen,
    query_number, remitter_code, remitter, sending_bank, sending_branch, edi, cancels, virtual_number, ordinal)
VALUES (:file, 1, :account, 'transfer', :now, :now, 1, 0, '', 'レイ ハナコ', 'レイ ハナコ', '', '', '親 太郎', false,
    '', 0);
INSERT INTO office.line_outcomes (line_id, state) SELECT id, 'dismissed' FROM office.bank_lines;
INSERT INTO office.ceremonies (id, script, begun_at, transcript, ended_at)
VALUES (:id, '', :now, 'done by ann and bob', :now);
INSERT INTO office.ceremony_steps (ceremony_id, number, step, tbs, prepared_at, first_person, second_person, result,
    done_at)
SELECT id, 1, 'begin', '{}', :now, :ann, :bob, '{}', :now FROM office.ceremonies;
INSERT INTO office.root_crls (id, issuer_id, number, tbs, first_person, second_person, prepared_at, transcript,
    signed_at)
VALUES (:id, 1, 2, '', :ann, :bob, :now, 'done by ann and bob', :now);
INSERT INTO acme.accounts (id, public_key, thumbprint, contacts, terms_agreed_at, binding_key_id, created_at)
SELECT :id, '', sha256(''), '{mailto:taro@typed.example}', :now, id, :now FROM gate.binding_keys
"""
PAPER = """
INSERT INTO office.invoice_papers (invoice_id, buyer, payer, period_from, period_end, rates, months, bases, taxes)
SELECT id, '株式会社 例', '親 太郎', issued_on, issued_on, '{}', '{}', '{}', '{}' FROM gate.invoices
"""


async def everything(conn: Conn, pool: Pool) -> None:
    """Something of every kind is known of the people of `acme`, which ended at once; a certificate of it lives on."""
    await notices.set_contact(conn, "kaisha", "ja", "東京都千代田区 1-1", NOW)
    await notices.set_recipient(conn, "acme", "payer", "親 太郎", "payer@typed.example", "ja", NOW)
    await payments.add_invoice(conn, "acme", payments.Bill("I-1", "fee", jst_date(NOW), None, 1000), NOW)
    payment = payments.Payment(1000, jst_date(NOW), "レイ ハナコ", "file 1, line 1")
    await payments.record_payment(conn, "I-1", payment, NOW)
    await pool.execute("UPDATE gate.customers SET contact_email = 'info@typed.example'")
    await pool.execute("UPDATE office.applications SET payer = '親 太郎'")
    await pool.execute(PAPER)
    await beside(pool)
    await ending.cancel(conn, "acme", "ann", NOW)


async def beside(pool: Pool) -> None:
    """What is in KNOWN, and a certificate of 90 days."""
    await issue(pool, "acme", 1, NOW)
    given: dict[str, object] = {"now": NOW, "file": uuid7(NOW), "account": uuid7(NOW)}
    given |= {who: await pool.fetchval("SELECT id FROM gate.persons WHERE handle = $1", who) for who in ("ann", "bob")}
    given |= {
        "contract": await pool.fetchval("SELECT id FROM gate.contracts"),
        "customer": await pool.fetchval("SELECT id FROM gate.customers"),
    }
    for text in KNOWN.split(";\n"):
        await pool.execute(filled(text, given | {"id": uuid7(NOW)}))


def filled(text: str, given: Mapping[str, object]) -> str:
    """The statement with what each `:name` stands for."""
    return re.sub(r":([a-z]+)\b", lambda found: f"'{given[found[1]]}'" if found[1] in given else found[0], text)
