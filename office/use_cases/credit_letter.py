"""What the letter of a credit invoice says of it: the fields of a 適格返還請求書 (pure)."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from contract_gate.calendar import DAY
from office.storage.credit_invoices import CreditPaper

KIND = "credit_invoice_issued"
WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "ja": {
            "qualified": "適格返還請求書", "credit": "返還請求書", "buyer": "宛名", "issuer": "発行者",
            "registration": "登録番号", "date": "返還日", "original": "元の請求書", "issued": "その発行日",
            "content": "取引内容", "fee": "サーバ証明書契約料金の返還", "period": "元の取引期間",
            "rate": "{rate} % 対象: 税抜 {base:,} 円、消費税 {tax:,} 円、税込 {total:,} 円",
            "refunded": "うち返金額: {:,} 円",
        },
        "en": {
            "qualified": "Qualified credit invoice (適格返還請求書)", "credit": "Credit invoice",
            "buyer": "Credited to", "issuer": "Issuer", "registration": "Registration number",
            "date": "Date of the credit", "original": "Original invoice", "issued": "Issued", "content": "Content",
            "fee": "Credit of the fee of a certificate contract", "period": "Period of the fee",
            "rate": "At {rate} %: {base:,} yen, tax {tax:,} yen, with tax {total:,} yen",
            "refunded": "Of it sent back: {:,} yen",
        },
    }
)  # fmt: skip


def credited(paper: CreditPaper, language: str) -> str:
    """Lines at the end of the letter: all that the Consumption Tax Act wants of it (消費税法第57条の4第3項).

    Issuer and registration number, the day of the credit and of what it credits, the content, and base and tax at
    the rate. Without an issuer who had a number it is a credit invoice, and no qualified one.
    """
    return "".join(f"{line}\n" for line in ("", *fields(paper, WORDS[language])))


def fields(paper: CreditPaper, words: Mapping[str, str]) -> Iterator[str]:
    """The same fields as on the page."""
    yield f"{words['qualified' if paper.seller else 'credit']} {paper.number}"
    yield f"{words['buyer']}: {paper.buyer}"
    if paper.seller:
        yield f"{words['issuer']}: {paper.seller}, {paper.seller_address}"
        yield f"{words['registration']}: {paper.registration_number}"
    yield f"{words['date']}: {paper.issued_on}"
    yield f"{words['original']}: {paper.original_number}"
    yield f"{words['issued']}: {paper.original_issued_on}"
    yield f"{words['content']}: {words['fee']}"
    yield f"{words['period']}: {paper.period_from} – {paper.period_end - DAY}"
    yield words["rate"].format(
        rate=f"{paper.basis_points / 100:g}", base=paper.base_yen, tax=paper.tax_yen, total=paper.total_yen
    )
    if paper.refunded_yen:
        yield words["refunded"].format(paper.refunded_yen)
