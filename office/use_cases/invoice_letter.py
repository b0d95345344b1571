"""What a letter about an invoice says of it: the fields of a qualified invoice, and where it is paid (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from contract_gate.calendar import DAY
from office.storage.money_books import Paper

BILLS = frozenset({"invoice_issued", "difference_invoice_issued"})  # letters by which an invoice is handed over
REMINDERS = frozenset({"payment_reminder", "payment_overdue"})
WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "ja": {
            "qualified": "適格請求書", "invoice": "請求書", "corrected": "修正", "corrects": "訂正する請求書",
            "buyer": "宛名", "issuer": "発行者", "registration": "登録番号", "date": "発行日", "content": "取引内容",
            "fee": "サーバ証明書契約料金", "difference": "サーバ証明書契約料金（消費税差額）", "period": "取引期間",
            "rate": "{rate} % 対象: 税抜 {base:,} 円、消費税 {tax:,} 円、税込 {total:,} 円",
            "before": "ご請求済みの額（税込）: {:,} 円", "dealer": "お支払先（特約店）", "into": "お振込先",
            "own": "お客様専用の振込先（バーチャル口座）",
        },
        "en": {
            "qualified": "Qualified invoice (適格請求書)", "invoice": "Invoice", "corrected": "Corrected: ",
            "corrects": "Corrects invoice", "buyer": "Billed to", "issuer": "Issuer",
            "registration": "Registration number", "date": "Date", "content": "Content",
            "fee": "Fee of a certificate contract", "difference": "Fee of a certificate contract, difference of tax",
            "period": "Period", "rate": "At {rate} %: {base:,} yen, tax {tax:,} yen, with tax {total:,} yen",
            "before": "Billed before, tax included: {:,} yen", "dealer": "Pay the dealer", "into": "Pay into",
            "own": "Your own account number there",
        },
    }
)  # fmt: skip


def said_of(paper: Paper, kind: str, recipient: str, language: str) -> str:
    """Lines at the end of a letter of that kind to the customer, payer or dealer; none for any other kind.

    A bill has all that business-formats.md §4 wants of a qualified invoice: whoever gets the letter has it. Under a
    dealer the customer owes the dealer (A8.4, T8-16), so the CA's account is told to the dealer alone.
    """
    words = WORDS[language]
    lines: Sequence[str] = [
        *(billed(paper, words) if kind in BILLS else ()),
        *(paid(paper, words, recipient) if kind in BILLS | REMINDERS else ()),
    ]
    return "".join(f"{line}\n" for line in ("", *lines)) if lines else ""


def billed(paper: Paper, words: Mapping[str, str]) -> Iterator[str]:
    """The fields of §4: issuer and number, date, content, each rate with base and tax, recipient."""
    corrects = paper.original_number is not None
    yield f"{words['corrected'] if corrects else ''}{words['qualified' if paper.seller else 'invoice']} {paper.number}"
    if corrects:
        yield f"{words['corrects']}: {paper.original_number}"
    yield f"{words['buyer']}: {paper.buyer}"
    if paper.seller:
        yield f"{words['issuer']}: {paper.seller}, {paper.seller_address}"
        yield f"{words['registration']}: {paper.registration_number}"
    yield f"{words['date']}: {paper.issued_on}"
    yield f"{words['content']}: {words['difference' if corrects else 'fee']}"
    yield f"{words['period']}: {paper.period_from} – {paper.period_end - DAY}"
    for rate, base, tax in zip(paper.rates, paper.bases, paper.taxes, strict=True):
        yield words["rate"].format(rate=f"{rate / 100:g}", base=base, tax=tax, total=base + tax)
    if corrects:
        yield words["before"].format(sum(paper.bases) + sum(paper.taxes) - paper.total_yen)


def paid(paper: Paper, words: Mapping[str, str], recipient: str) -> Iterator[str]:
    """Whom to pay, and into which account."""
    if paper.dealer and recipient != "dealer":
        yield f"{words['dealer']}: {paper.dealer}"
    elif paper.pay_into:
        yield f"{words['into']}: {paper.pay_into}"
        if paper.virtual_account:
            yield f"{words['own']}: {paper.virtual_account}"
