"""camt.054.001.02, the credit notification of ISO 20022 as ZEDI sends it, becomes receipts (business-formats §1.6)."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import BinaryIO
from xml.parsers import expat

from contract_gate.calendar import JST
from contract_gate.formats.receipt import BadElement, Group, Item, Nature, Receipt, Totals
from contract_gate.formats.remittance import reference

CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.02"
MESSAGE = "BkToCstmrDbtCdtNtfctn"
HEAD, ENTRY, DETAIL = ["Ntfctn"], ["Ntfctn", "Ntry"], ["Ntfctn", "Ntry", "NtryDtls", "TxDtls"]
AT_ONCE = 65_536
DEEPEST, LONGEST_TEXT, MOST_LEAVES, LONGEST_TOKEN = 32, 4_096, 2_000, 262_144
AMOUNT = re.compile(r"([0-9]{1,12})(\.0{1,5})?")
KINDS: Mapping[str, str] = {"": "1", "SVGS": "1", "CACC": "2", "1": "1", "2": "2", "4": "4"}
LAST_MINUTE = time(23, 59)
DAY = timedelta(days=1)


class Leaves:
    """Texts of an element's descendants, by path below it, and the line where it began."""

    def __init__(self, depth: int, line: int) -> None:
        self.depth, self.line = depth, line
        self.texts: dict[str, list[str]] = {}
        self.count = 0

    def one(self, *paths: str) -> str:
        """The first text of the first path that has one; ''."""
        return next((self.texts[path][0] for path in paths if path in self.texts), "")


class Reader:
    """Reads one file. Nothing of it is kept but the entry that is being read."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.base = 0  # depth of the message inside its wrapper
        self.text: list[str] = []
        self.size = 0
        self.open: list[Leaves] = []
        self.found: list[Item] = []
        self.numbers = itertools.count(1)
        self.headed = self.seen = False
        self.lines = self.total = self.detailed = self.details = 0
        self.sums: dict[str, tuple[int, int]] = {}
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def items(self, stream: BinaryIO) -> Iterator[Item]:
        """Heads, receipts and totals in the order of the file. Raises BadElement at the first fault."""
        fed, more = 0, True
        while more:
            chunk = stream.read(AT_ONCE)
            fed, more = fed + len(chunk), bool(chunk)
            try:
                self.parser.Parse(chunk, not more)
            except expat.ExpatError as error:
                raise self._bad(f"is no XML: {expat.ErrorString(error.code)}") from None
            if fed - self.parser.CurrentByteIndex > LONGEST_TOKEN:
                raise self._bad(f"one tag or text of more than {LONGEST_TOKEN} bytes")
            yield from self.found
            self.found.clear()
        if not self.seen:
            raise self._bad(f"the file holds no credit notification: <{MESSAGE}> of {CAMT} is missing")

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if (encoding or "UTF-8").upper() != "UTF-8":
            raise self._bad(f"the encoding is {encoding}: have the bank send UTF-8")

    def _doctype(self, name: str, system: str | None, public: str | None, subset: bool) -> None:
        raise self._bad("a DOCTYPE is not allowed here")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if len(self.path) >= DEEPEST:
            raise self._bad(f"elements are nested more than {DEEPEST} deep")
        self.path.append(local if namespace == CAMT else "")
        self.text, self.size = [], 0
        if self.path[-1] == MESSAGE and not self.base:
            self.base, self.seen = len(self.path), True
        place = self.path[self.base :] if self.base else []
        if place == ENTRY:
            self._head()
            self.detailed = self.details = 0
        if place in (HEAD, ENTRY, DETAIL):
            self.open.append(Leaves(len(self.path), self.parser.CurrentLineNumber))
        if place == HEAD:
            self.headed, self.lines, self.total, self.sums = False, 0, 0, {"": (0, 0), "CRDT": (0, 0), "DBIT": (0, 0)}
        if self.open and "Ccy" in attributes:
            self._keep("/".join(self.path[self.open[-1].depth :]) + "@Ccy", attributes["Ccy"])

    def _characters(self, text: str) -> None:
        self.size += len(text)
        if self.size > LONGEST_TEXT:
            raise self._bad(f"a text of more than {LONGEST_TEXT} characters")
        self.text.append(text)

    def _end(self, name: str) -> None:
        if self.open:
            leaves = self.open[-1]
            if len(self.path) == leaves.depth:
                self._close(leaves)
            elif text := "".join(self.text).strip():
                self._keep("/".join(self.path[leaves.depth :]), text)
        self.text = []
        self.path.pop()
        if len(self.path) < self.base:
            self.base = 0

    def _keep(self, path: str, text: str) -> None:
        leaves = self.open[-1]
        leaves.count += 1
        if leaves.count > MOST_LEAVES:
            raise self._bad(f"more than {MOST_LEAVES} values")
        leaves.texts.setdefault(path, []).append(text)

    def _close(self, leaves: Leaves) -> None:
        place = self.path[self.base :]
        if place == DETAIL:
            self._detail(self.open[-2], leaves)
        elif place == ENTRY:
            self._entry(leaves)
        else:
            self._head()
            self._totals(leaves)
        self.open.pop()

    def _head(self) -> None:
        """The account and its days, once, before the first entry."""
        head = self.open[0]
        if self.headed:
            return
        self.headed = True
        servicer = "Acct/Svcr/FinInstnId/"
        bank = self._asked(head, servicer + "ClrSysMmbId/MmbId", servicer + "Othr/Id")
        kind = head.one("Acct/Tp/Cd", "Acct/Tp/Prtry")
        if kind not in KINDS:
            raise self._bad(f"'{kind}' is no kind of account: {', '.join(filter(None, KINDS))}", "Tp", head.line)
        first, last = self._whole_days(head)
        created = self._moment(head, "CreDtTm", self._asked(head, "CreDtTm")).date()
        group = Group(
            next(self.numbers), "camt.054", bank, head.one(servicer + "Nm"), self._asked(head, "Acct/Svcr/BrnchId/Id"),
            head.one("Acct/Svcr/BrnchId/Nm"), KINDS[kind], self._asked(head, "Acct/Id/Othr/Id"),
            head.one("Acct/Nm", "Acct/Ownr/Nm"), created, first, last, head.line,
        )  # fmt: skip
        self.found.append(group)

    def _whole_days(self, head: Leaves) -> tuple[date, date]:
        """The days that the notification proves: those it covers from midnight to midnight. T8-6."""
        begins = self._moment(head, "FrDtTm", self._asked(head, "FrToDt/FrDtTm"))
        ends = self._moment(head, "ToDtTm", self._asked(head, "FrToDt/ToDtTm"))
        first = begins.date() if begins.time() == time() else begins.date() + DAY
        last = ends.date() if ends.time() >= LAST_MINUTE else ends.date() - DAY
        if last < first:
            raise self._bad("covers no whole day: have the bank notify by days", "FrToDt", head.line)
        return first, last

    def _detail(self, entry: Leaves, detail: Leaves) -> None:
        amount = self._yen(detail, "AmtDtls/TxAmt/Amt") if detail.one("AmtDtls/TxAmt/Amt") else self._yen(entry, "Amt")
        self.details += 1
        self.detailed += amount
        self._receipt(entry, detail, amount)

    def _entry(self, entry: Leaves) -> None:
        """Its sums, and its receipt where no details told it."""
        amount, direction = self._yen(entry, "Amt"), self._asked(entry, "CdtDbtInd")
        if direction not in ("CRDT", "DBIT"):
            raise self._bad(f"'{direction}' is neither CRDT nor DBIT", "CdtDbtInd", entry.line)
        if self.details and self.detailed != amount:
            raise self._bad(f"is {amount}, but its details add up to {self.detailed}", "Amt", entry.line)
        for which in ("", direction):
            count, total = self.sums[which]
            self.sums[which] = count + 1, total + amount
        if not self.details:
            self._receipt(entry, Leaves(0, entry.line), amount)

    def _receipt(self, entry: Leaves, detail: Leaves, amount: int) -> None:
        """Of booked money that came in, or is taken back; what is only announced comes again when it is booked."""
        reversal, out = entry.one("RvslInd") in ("true", "1"), entry.one("CdtDbtInd") == "DBIT"
        if self._asked(entry, "Sts") != "BOOK" or (out and not reversal):
            return
        booked_on = self._day(entry, "BookgDt")
        nature: Nature = "correction" if reversal and not out else "transfer"
        agent = "RltdAgts/DbtrAgt/"
        receipt = Receipt(
            next(self.numbers), nature, booked_on, self._day(entry, "ValDt", booked_on), amount, 0,
            detail.one("Refs/AcctSvcrRef") or entry.one("AcctSvcrRef", "NtryRef"),
            detail.one("RltdPties/Dbtr/Id/OrgId/Othr/Id", "RltdPties/Dbtr/Id/PrvtId/Othr/Id"),
            detail.one("RltdPties/Dbtr/Nm"),
            detail.one(agent + "FinInstnId/Nm", agent + "FinInstnId/ClrSysMmbId/MmbId"),
            detail.one(agent + "BrnchId/Nm", agent + "BrnchId/Id"),
            detail.one("RmtInf/Strd/CdtrRefInf/Ref") or reference(detail.texts.get("RmtInf/Ustrd", ())),
            reversal and out,
        )  # fmt: skip
        self.found.append(receipt)
        self.lines, self.total = self.lines + 1, self.total + amount

    def _totals(self, head: Leaves) -> None:
        """The summary, where the bank sends one, says what the entries say."""
        for element, which in (("TtlNtries", ""), ("TtlCdtNtries", "CRDT"), ("TtlDbtNtries", "DBIT")):
            for name, counted in zip(("NbOfNtries", "Sum"), self.sums[which], strict=True):
                said = head.one(f"TxsSummry/{element}/{name}")
                if said and not ((found := AMOUNT.fullmatch(said)) and int(found[1]) == counted):
                    raise self._bad(f"{element} says {said}, but the entries make {counted}", name, head.line)
        self.found.append(Totals(next(self.numbers), self.lines, self.total, None))

    def _asked(self, leaves: Leaves, *paths: str) -> str:
        if text := leaves.one(*paths):
            return text
        raise self._bad(f"{' or '.join(paths)} is missing or comes too late", self.path[leaves.depth - 1], leaves.line)

    def _yen(self, leaves: Leaves, path: str) -> int:
        text, currency = self._asked(leaves, path), leaves.one(path + "@Ccy")
        if currency != "JPY":
            raise self._bad(f"the currency is '{currency}': only JPY is booked", "Amt", leaves.line)
        found = AMOUNT.fullmatch(text)
        if not found or not int(found[1]):
            raise self._bad(f"'{text}' is no amount of whole yen above 0", "Amt", leaves.line)
        return int(found[1])

    def _day(self, leaves: Leaves, element: str, otherwise: date | None = None) -> date:
        text = leaves.one(f"{element}/Dt", f"{element}/DtTm")
        if not text and otherwise:
            return otherwise
        return self._moment(leaves, element, text).date()

    def _moment(self, leaves: Leaves, element: str, text: str) -> datetime:
        """In Japan; a time without a zone is Japan's."""
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise self._bad(f"'{text}' is no day or time", element, leaves.line) from None
        return found.astimezone(JST) if found.tzinfo else found

    def _bad(self, reason: str, element: str | None = None, line: int | None = None) -> BadElement:
        where: Sequence[str] = [each for each in self.path if each] or ["file"]
        return BadElement(line or self.parser.CurrentLineNumber, element or where[-1], reason)
