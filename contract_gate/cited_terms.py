"""Which version of the Terms evidence cites, against those that were in force at its instant (T20-3). Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from contract_gate.evidence import Record

SOON = timedelta(minutes=1)
MEMBER = b'"terms_version"'


class Text(msgspec.Struct, frozen=True):
    """A version of the Terms, and from when it counts."""

    version: str
    effective_at: datetime


class Citing(msgspec.Struct, frozen=True):
    """What a row cites: None: no version was in force; UNSET: it cites none."""

    terms_version: str | msgspec.UnsetType | None = msgspec.UNSET


class Added(msgspec.Struct, frozen=True):
    """A text that was registered: its kind and version."""

    text: tuple[str, str]


class Enacted(msgspec.Struct, frozen=True):
    """A version that was announced in time."""

    version: str


class CitedTerms:
    """The Terms there are, and since when evidence, told in its order, knows of each.

    A row that cites none is taken as it is: it stands on no rule, or is older than migration 0067.
    """

    def __init__(self, texts: Sequence[Text]) -> None:
        self.effective_at = {text.version: text.effective_at for text in texts}
        self.known_at: dict[str, datetime] = {}

    def fault(self, record: Record) -> str | None:
        """What is wrong with the version that the row cites; None: nothing.

        A version counts from its instant on, and may be missing from a row of the minute in which it was recorded, or
        from before. Raises msgspec.DecodeError, and TypeError for an instant without zone.
        """
        self.note(record)
        if MEMBER not in record.content:
            return None
        cited, at = msgspec.json.decode(record.content, type=Citing).terms_version, record.recorded_at
        if cited is msgspec.UNSET:
            return None
        begun = [(since, version) for version, since in self.effective_at.items() if since <= at]
        if cited is not None and cited not in {version for _, version in begun}:
            return f"Terms {cited} were not in force"
        known = [each for each in begun if (since := self.known_at.get(each[1])) and since + SOON <= at]
        newest = max(known, default=None)
        if newest and newest[1] != cited and (cited is None or self.effective_at[cited] < newest[0]):
            return f"Terms {newest[1]} were in force, it cites {cited or 'none'}"
        return None

    def note(self, record: Record) -> None:
        """From this row on a version is known, if the row says so."""
        if record.kind == "text.added":
            kind, version = msgspec.json.decode(record.content, type=Added).text
            if kind == "terms":
                self.known_at.setdefault(version, record.recorded_at)
        elif record.kind == "terms.enacted":
            self.known_at.setdefault(msgspec.json.decode(record.content, type=Enacted).version, record.recorded_at)
