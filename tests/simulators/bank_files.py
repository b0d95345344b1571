"""Bank files as a bank writes them: Zengin types 01 (formats A and B) and 03, and camt.054."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from xml.sax.saxutils import escape

DAY = date(2026, 11, 20)


@dataclass(frozen=True)
class Credit:
    """Money that came in, or (03) went out, or (01) is taken back."""

    amount: int
    remitter: str = "ﾚｲ"
    day: date = DAY
    query: str = ""
    code: str = ""
    edi: str = ""
    uncleared: int = 0
    cancels: bool = False
    out: bool = False
    kind: str = "11"


@dataclass(frozen=True)
class Statement:
    """One account of a file."""

    credits: Sequence[Credit] = ()
    first: date = DAY
    last: date = DAY
    branch: str = "001"
    number: str = "1234567"
    opening: int = 1_000_000
    count_cancelled: bool = False


@dataclass(frozen=True)
class Style:
    """How the bank writes."""

    type: str = "01"
    layout: str = "A"
    line_end: bytes = b"\r\n"
    western: bool = False
    tail: bytes = field(default=b"")


def day(value: date, style: Style = Style()) -> str:
    """YYMMDD: year of the era (Heisei, Reiwa) or of the century."""
    year = value.year - (2000 if style.western else 2018 if value >= date(2019, 5, 1) else 1988)
    return f"{year:02d}{value:%m%d}"


def text(value: str, size: int) -> bytes:
    """A field of characters."""
    raw = value.encode("cp932")
    assert len(raw) <= size
    return raw.ljust(size)


def number(value: int | str, size: int) -> bytes:
    """A field of digits; '' is left blank."""
    return str(value).rjust(size, "0").encode() if value != "" else b" " * size


def record(*parts: bytes) -> bytes:
    """200 bytes."""
    raw = b"".join(parts)
    assert len(raw) <= 200
    return raw.ljust(200)


def header(of: Statement, style: Style) -> bytes:
    """The head of an account."""
    common = (
        b"1", style.type.encode(), b"0", number(day(of.last, style), 6), number(day(of.first, style), 6),
        number(day(of.last, style), 6), b"0001", text("ﾃｽﾄ", 15), of.branch.encode(), text("ﾎﾝﾃﾝ", 15),
    )  # fmt: skip
    if style.type == "01":
        return record(*common, b"1", number(of.number, 7), text("ｶ)ﾆﾝｼﾖｳ", 40))
    return record(*common, b"000", b"1", number(of.number, 10), text("ｶ)ﾆﾝｼﾖｳ", 40), b"1", b"1", number(of.opening, 14))


def data(of: Credit, style: Style) -> bytes:
    """One movement."""
    days = (number(day(of.day, style), 6), number(day(of.day, style), 6))
    sender = (number(of.code, 10), text(of.remitter, 48), text("ﾐﾎﾝ", 15), text("ｴｷﾏｴ", 15))
    if style.type == "03":
        direction = (b"2" if of.out else b"1", of.kind.encode())
        return record(b"2", number(of.query, 8), *days, *direction, number(of.amount, 12), number(of.uncleared, 12),
                      b" " * 23, *sender, text("", 20), text(of.edi, 20))  # fmt: skip
    first = style.layout == "A"
    amounts = (of.amount, of.uncleared) if first else (0, 0)
    start = (b"2", number(of.query, 6), *days, number(amounts[0], 10), number(amounts[1], 10), *sender)
    flag = b"1" if of.cancels else b"0"
    if first:
        return record(*start, flag, text(of.edi, 20))
    return record(*start, flag, number(of.amount, 12), number(of.uncleared, 12), text(of.edi, 20))


def trailer(of: Statement, style: Style) -> bytes:
    """Counts and sums, and for 03 the closing balance."""
    if style.type == "03":
        came, went = [c.amount for c in of.credits if not c.out], [c.amount for c in of.credits if c.out]
        closing = of.opening + sum(came) - sum(went)
        sign = b"1" if closing >= 0 else b"2"
        return record(b"8", number(len(came), 6), number(sum(came), 13), number(len(went), 6), number(sum(went), 13),
                      sign, number(abs(closing), 14), number(len(of.credits), 7))  # fmt: skip
    counted = [c.amount for c in of.credits if of.count_cancelled or not c.cancels]
    cancelled = [c.amount for c in of.credits if c.cancels]
    return record(b"8", number(len(counted), 6), number(sum(counted), 12), number(len(cancelled), 6),
                  number(sum(cancelled), 12))  # fmt: skip


def whole(statements: Sequence[Statement], style: Style = Style()) -> bytes:
    """The file."""
    rows: list[bytes] = []
    for each in statements:
        rows += [header(each, style), *(data(credit, style) for credit in each.credits), trailer(each, style)]
    end = record(b"9", number(len(rows) + 1, 10), number(len(statements), 5)) if style.type == "03" else record(b"9")
    return style.line_end.join([*rows, end]) + style.line_end + style.tail


@dataclass(frozen=True)
class Xml:
    """How the bank writes its camt.054."""

    begins: str = "2026-11-20T00:00:00"
    ends: str = "2026-11-20T23:59:59+09:00"
    details: bool = True
    currency: str = "JPY"
    status: str = "BOOK"
    before: str = '<?xml version="1.0" encoding="UTF-8"?>\n'


def camt_entry(of: Credit, style: Xml) -> str:
    """One entry, its details inside or not."""
    sent = "".join(f"<Ustrd>{escape(line)}</Ustrd>" for line in of.edi.splitlines())
    details = (
        f"<NtryDtls><TxDtls><AmtDtls><TxAmt><Amt Ccy='{style.currency}'>{of.amount}</Amt></TxAmt></AmtDtls>"
        f"<RltdPties><Dbtr><Nm>{escape(of.remitter)}</Nm></Dbtr></RltdPties>"
        f"<RmtInf>{sent}</RmtInf></TxDtls></NtryDtls>"
    )
    return (
        f"<Ntry><Amt Ccy='{style.currency}'>{of.amount}</Amt><CdtDbtInd>{'DBIT' if of.out or of.cancels else 'CRDT'}"
        f"</CdtDbtInd><RvslInd>{str(of.cancels).lower()}</RvslInd><Sts>{style.status}</Sts>"
        f"<BookgDt><Dt>{of.day}</Dt></BookgDt><ValDt><Dt>{of.day}</Dt></ValDt><AcctSvcrRef>{of.query}</AcctSvcrRef>"
        f"{details if style.details else ''}</Ntry>\n"
    )


def camt(statements: Sequence[Statement], style: Xml = Xml()) -> bytes:
    """A camt.054.001.02 behind its header, as ZEDI wraps it."""
    told = []
    for each in statements:
        total = sum(credit.amount for credit in each.credits)
        told.append(
            f"<Ntfctn><Id>1</Id><CreDtTm>{each.last}T23:59:59</CreDtTm><FrToDt><FrDtTm>{style.begins}</FrDtTm>"
            f"<ToDtTm>{style.ends}</ToDtTm></FrToDt><Acct><Id><Othr><Id>{each.number}</Id></Othr></Id><Svcr><FinInstnId>"
            f"<ClrSysMmbId><MmbId>0001</MmbId></ClrSysMmbId></FinInstnId><BrnchId><Id>{each.branch}</Id></BrnchId></Svcr>"
            f"</Acct><TxsSummry><TtlNtries><NbOfNtries>{len(each.credits)}</NbOfNtries><Sum>{total}</Sum></TtlNtries>"
            f"</TxsSummry>\n{''.join(camt_entry(credit, style) for credit in each.credits)}</Ntfctn>\n"
        )
    body = (
        "<Message><AppHdr xmlns='urn:iso:std:iso:20022:tech:xsd:head.001.001.01'><BizMsgIdr>1</BizMsgIdr></AppHdr>\n"
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.054.001.02'><BkToCstmrDbtCdtNtfctn>\n"
        f"<GrpHdr><MsgId>1</MsgId></GrpHdr>{''.join(told)}</BkToCstmrDbtCdtNtfctn></Document></Message>"
    )
    return (style.before + body).encode()
