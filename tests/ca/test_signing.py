"""Why the signer refuses a record, asked of the pure function: nothing after it is relied on."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from ca.certificate import to_be_signed
from ca.linting import Linted, LintError, lint
from ca.signing import Record, refusal
from tests.ca.arrange import DEADLINE, ISSUER, NOW, SUBJECT, WANTED

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
NIL, MINUTES = UUID(int=0), timedelta(minutes=2, seconds=1)
GOOD = Record(
    id=NIL, issuer_id=ISSUER.id, state="admitted", serial=WANTED.serial, profile=WANTED.profile.name, tbs=b"",
    names=list(WANTED.names), spki_sha256=bytes(32), not_before=WANTED.not_before, not_after=WANTED.not_after,
    shard=WANTED.shard, deadline_at=DEADLINE, stage="finalize", outcome="admitted", admitted_names=list(WANTED.names),
    not_after_limit=WANTED.not_after, decided_at=NOW, contract_id=NIL, organization=SUBJECT.organization,
    country=SUBJECT.country, state_or_province=SUBJECT.state_or_province, locality=SUBJECT.locality, own_serial=True,
    issuer_revoked=False, issues_from=NOW, blocked=False, is_own_key=False, revoked=False, contract_state="accepted",
    held=False, untold=False, term_over_by=WANTED.not_after, overdue=False,
    entries=["domain demo.test", "network 127.0.0.0/8", "network ::1/128"],
)  # fmt: skip

LATE = ISSUER.not_after + SECOND
FAR = {"not_after_limit": LATE, "term_over_by": LATE}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"state": "signed"}, "record is signed", id="signed"),
        pytest.param({"state": "possibly_issued"}, "record is possibly_issued", id="perhaps issued"),
        pytest.param({"deadline_at": NOW}, "deadline", id="at the deadline"),
        pytest.param({"outcome": "refused"}, "did not admit", id="refused"),
        pytest.param({"admitted_names": ["other.demo.test"]}, "names", id="other names"),
        pytest.param({"decided_at": NOW - MINUTES}, "too old", id="an old admission"),
        pytest.param({"decided_at": NOW + MINUTES}, "of the future", id="an admission that would never be old"),
        pytest.param({"stage": "new_order"}, "not for signing", id="admitted for an order only"),
        pytest.param({"contract_state": "ended"}, "contract is ended", id="contract ended"),
        pytest.param({"contract_state": "under_review"}, "contract is under_review", id="contract not accepted"),
        pytest.param({"contract_state": None}, "contract is unknown", id="no contract"),
        pytest.param({"held": True}, "contract is held", id="contract held"),
        pytest.param({"untold": True}, "T4-5", id="T4-5 notice of formation not gone"),
        pytest.param({"term_over_by": WANTED.not_after - timedelta(seconds=1)}, "T12-5", id="beyond the term"),
        pytest.param({"term_over_by": None}, "T12-5", id="no term"),
        pytest.param({"overdue": True}, "T8-15", id="a fee is overdue"),
        pytest.param({"entries": []}, "not among the contract's names: www.demo.test", id="no name listed"),
        pytest.param({"entries": GOOD.entries[:2]}, "contract's names: ::1", id="one name not listed"),
        pytest.param({"admitted_names": []}, "names", id="no names"),
        pytest.param({"not_after_limit": WANTED.not_after - timedelta(seconds=1)}, "notAfter", id="a second too long"),
        pytest.param({"not_after_limit": None}, "notAfter", id="no limit"),
        pytest.param({"own_serial": False}, "C-079", id="C-079 a serial number that is another's, or nobody's"),
        pytest.param({"issuer_revoked": True}, "C-160", id="C-160 of a revoked CA"),
        pytest.param({"issues_from": NOW + MICROSECOND}, "C-160", id="C-160 of a CA whose time had not come"),
        pytest.param({"not_after": ISSUER.not_after + SECOND, **FAR}, "issuing CA's", id="a second beyond its CA"),
        pytest.param({"blocked": True}, "C-076", id="C-076 blocked"),
        pytest.param({"is_own_key": True}, "C-077", id="C-077 a key that the CA made itself"),
        pytest.param({"revoked": True}, "C-142", id="C-142 revoked before it was signed"),
        pytest.param({"profile": "other"}, "no profile", id="unknown profile"),
    ],
)
def test_refusal(changes: dict[str, Any], why: str) -> None:
    assert refusal(GOOD, ISSUER, NOW) is None
    found = refusal(msgspec.structs.replace(GOOD, **changes), ISSUER, NOW)
    assert found is not None
    assert why in found


def test_a_certificate_may_end_with_its_issuing_ca() -> None:
    assert refusal(msgspec.structs.replace(GOOD, not_after=ISSUER.not_after, **FAR), ISSUER, NOW) is None


@pytest.mark.parametrize(
    ("left", "refused"), [pytest.param(timedelta(0), False, id="to its end"), pytest.param(SECOND, True, id="beyond")]
)
def test_the_profile_check_compares_the_end_with_the_issuing_ca_s(left: timedelta, refused: bool) -> None:
    start = ISSUER.not_after - timedelta(days=30)
    wanted = msgspec.structs.replace(WANTED, not_before=start, not_after=ISSUER.not_after + left)
    if not refused:
        assert lint(ISSUER, wanted, to_be_signed(ISSUER, wanted), start)
        return
    with pytest.raises(LintError) as found:
        lint(ISSUER, wanted, to_be_signed(ISSUER, wanted), start)
    assert found.value.findings == ("RFC 5280 §6.1.3: notAfter is later than the issuing CA's",)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param(
            {"not_before": WANTED.not_before + timedelta(microseconds=1)}, "C-083", id="fraction of notBefore"
        ),
        pytest.param({"not_after": WANTED.not_after + timedelta(microseconds=1)}, "C-083", id="fraction of notAfter"),
        pytest.param({"names": (*WANTED.names, WANTED.names[0])}, "C-096: subjectAltName has a name twice", id="twice"),
    ],
)
def test_bytes_that_are_as_wanted_may_be_wanted_wrongly(changes: dict[str, Any], rule: str) -> None:
    assert lint(ISSUER, WANTED, to_be_signed(ISSUER, WANTED), NOW) == Linted(to_be_signed(ISSUER, WANTED))
    wrong = msgspec.structs.replace(WANTED, **changes)
    with pytest.raises(LintError) as refused:
        lint(ISSUER, wrong, to_be_signed(ISSUER, wrong), NOW)
    assert any(rule in finding for finding in refused.value.findings)
