"""What the self-audit says of a certificate, with one thing wrong at a time."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from ca import precertificate
from ca.certificate import assemble
from contract_gate.gate import decide
from contract_gate.record import DecisionRow, recorded
from office.storage.samples import Issuance
from office.use_cases.sample_look import decision_faults, signature_faults
from tests.ca.arrange import ISSUER, KEY, NOW, record
from tests.ca.test_precertificate import SCTS
from tests.contract_gate import arrange
from tests.contract_gate.arrange import facts, loaded, wanted

NAMES = ["a.example.jp"]
OTHER = record(names=NAMES)
TBS = record(precertificate=True)
FINAL = precertificate.final_tbs(TBS.tbs, SCTS)


def admitted() -> DecisionRow:
    answer = decide(loaded(facts()), wanted(), arrange.NOW)
    return recorded(TBS.id, answer, "finalize")


DECISION = admitted()


def issued(**changes: Any) -> Issuance:
    """A certificate, and its precertificate, as the decision allows it."""
    assert DECISION.not_after_limit is not None
    made = Issuance(
        id=TBS.id, issuer_id=ISSUER.id, serial=TBS.serial, profile=TBS.profile, tbs=TBS.tbs, names=list(DECISION.names),
        spki_sha256=TBS.spki_sha256, not_before=TBS.not_before, not_after=DECISION.not_after_limit, shard=TBS.shard,
        created_at=NOW, signed_at=NOW, precertificate=assemble(TBS.tbs, KEY.sign(TBS.tbs)),
        certificate=assemble(FINAL, KEY.sign(FINAL)), decision=DECISION,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def signed(tbs: bytes) -> bytes:
    return assemble(tbs, KEY.sign(tbs))


@pytest.mark.std("C-175")
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"certificate": signed(OTHER.tbs)}, "C-122"),
        ({"precertificate": signed(OTHER.tbs)}, "its precertificate is not what was recorded to be signed"),
        ({"certificate": signed(FINAL)[:-1] + b"\0"}, "its certificate is not signed by its issuer"),
        ({"precertificate": b"\x30\x00"}, "its precertificate is not signed by its issuer"),
        ({"tbs": OTHER.tbs, "precertificate": None}, "its certificate is not what was recorded to be signed"),
    ],
    ids=["another certificate", "another precertificate", "another signature", "no certificate", "another record"],
)
def test_what_was_signed_is_what_was_recorded(changes: dict[str, Any], fault: str) -> None:
    assert list(signature_faults(issued(), ISSUER)) == []
    assert [each for each in signature_faults(issued(**changes), ISSUER) if each.startswith(fault)]


def refused() -> DecisionRow:
    return msgspec.structs.replace(DECISION, outcome="refused")


@pytest.mark.std("C-175")
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"names": [*DECISION.names, "more.demo.test"]}, "it is not within what the gate allowed"),
        ({"names": []}, "it is not within what the gate allowed"),
        ({"not_after": DECISION.not_after_limit + timedelta(seconds=1)}, "it is not within what the gate allowed"),  # type: ignore[operator]
        ({"decision": refused()}, "the gate refused it"),
        ({"decision": msgspec.structs.replace(DECISION, not_after_limit=None)}, "the gate refused it"),
        (
            {"decision": msgspec.structs.replace(DECISION, decided_at=DECISION.decided_at + timedelta(days=4000))},
            "the gate, asked again with the recorded facts, answers otherwise",
        ),
    ],
    ids=["a name more", "no names", "a second too long", "refused", "without a limit", "at another instant"],
)
def test_it_is_within_what_the_gate_answers_again(changes: dict[str, Any], fault: str) -> None:
    assert list(decision_faults(issued())) == []
    assert fault in list(decision_faults(issued(**changes)))
