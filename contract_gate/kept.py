"""Facts of contracts that a process keeps. They decide nothing by themselves.

Kept facts may only admit, and only while their revisions are current: triggers make those anew whenever a fact changes
(gate.revisions). newOrder finds that in the statement that spends its nonce, finalize in the one that writes, under the
contract's lock. Else they are read again, and the gate is asked again.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from contract_gate.domains import addresses, candidates, covers
from contract_gate.facts import Facts, LoadedFacts, NameEntry

SIZE = 500  # contracts and keys; the oldest goes first
ENTRIES_MAX = 200  # of a list of names; a longer one is read each time
Key: TypeAlias = tuple[UUID, UUID | None]
Revisions: TypeAlias = tuple[UUID, UUID]


class Kept(msgspec.Struct, frozen=True):
    """Facts without names and their JSON without its last brace; every entry of the contract's list by value.

    `until`: when time alone changes them, such as when the key will serve another contract (T12-7) or new Terms are in
    force (T20-3); None: no such instant is known.
    """

    facts: Facts
    text: bytes
    entries: dict[str, list[NameEntry]]
    networks: list[NameEntry]
    revisions: Revisions
    until: datetime | None


class KeptFacts:
    """The facts that one process keeps, by binding key and wanted contract."""

    def __init__(self) -> None:
        self._kept: dict[Key, Kept] = {}

    def keep(
        self, key: Key, loaded: LoadedFacts, entries: Sequence[str], revisions: Sequence[UUID] | None,
        until: datetime | None,
    ) -> None:  # fmt: skip
        """What was just read is kept, if it has both revisions and no more entries than are kept."""
        self._kept.pop(key, None)
        if revisions is None or len(revisions) != 2 or len(entries) > ENTRIES_MAX:
            return
        while len(self._kept) >= SIZE:
            del self._kept[next(iter(self._kept))]
        pair = (revisions[0], revisions[1])
        self._kept[key] = kept(loaded, [NameEntry(*entry.split(" ", 1)) for entry in entries], pair, until)  # type: ignore[arg-type]

    def facts(
        self, key: Key, names: Sequence[str], now: datetime, current: Collection[UUID]
    ) -> tuple[LoadedFacts, Revisions] | None:
        """The facts for these names, with their revisions, which are among the `current`; None: they must be read."""
        found = self._kept.get(key)
        if found is None or (found.until is not None and now >= found.until):
            return None
        if any(revision not in current for revision in found.revisions):
            return None
        return of_names(found, names), found.revisions


def kept(loaded: LoadedFacts, entries: Iterable[NameEntry], revisions: Revisions, until: datetime | None) -> Kept:
    """Facts as they are kept."""
    text = msgspec.json.decode(loaded.raw, type=dict[str, msgspec.Raw])
    del text["names"]
    by_value: dict[str, list[NameEntry]] = {}
    networks = []
    for entry in entries:
        if entry.kind == "network":
            networks.append(entry)
        else:
            by_value.setdefault(entry.value, []).append(entry)
    facts = msgspec.structs.replace(loaded.facts, names=())
    return Kept(facts, msgspec.json.encode(text)[:-1], by_value, networks, revisions, until)


def of_names(found: Kept, names: Sequence[str]) -> LoadedFacts:
    """The facts and their text for these names: with the entries that may cover one, as the statement tells them."""
    wanted = frozenset(names)
    entries = [
        entry for value in candidates(names) for entry in found.entries.get(value, ())
        if entry.kind == "domain" or value in wanted
    ] + [entry for entry in found.networks if any(covers(entry, name) for name in addresses(names))]  # fmt: skip
    facts = msgspec.structs.replace(found.facts, names=tuple(entries))
    return LoadedFacts(facts, b'%b,"names":%b}' % (found.text, msgspec.json.encode(entries)))
