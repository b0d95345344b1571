"""How old proofs and looks at CAA may be at the signature, as the self-audit reads it: both sides of each limit."""

from datetime import UTC, datetime, timedelta

import pytest

from office.storage.proofs import Looked, Proof, Seen, Validated
from office.use_cases.sample_proofs import proof_faults

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
BEFORE, HUNDRED, TEN = (datetime(*day, tzinfo=UTC) for day in ((2027, 3, 14), (2027, 3, 15), (2029, 3, 15)))
NAME, AT = "www.demo.test", BEFORE


def proof(
    age: timedelta = timedelta(0), at: datetime = AT, *, name: str = NAME, method: str = "dns-01",
    subdomains: bool = False, caa: bool = True, outcome: str = "valid",
) -> Proof:  # fmt: skip
    """A validation of that age at the instant, CAA asked with it."""
    seen = Seen({"caa": {}} if caa else {})
    return Proof("a", Validated(name, name.removeprefix("*."), subdomains, method, outcome, seen), at - age)


def faults(names: list[str], proofs: list[Proof], looked: list[Looked] | None = None, at: datetime = AT) -> list[str]:
    return list(proof_faults(names, proofs, looked or [], at))


def permitted(age: timedelta, *names: str, at: datetime = AT) -> list[Looked]:
    """A look at CAA of that age."""
    return [Looked(at - age, frozenset(names or (NAME,)))]


@pytest.mark.std("C-015", "C-016", "C-028")
@pytest.mark.parametrize(
    ("at", "method", "days"),
    [
        pytest.param(BEFORE, "http-01", 200, id="200 days"),
        pytest.param(HUNDRED - SECOND, "dns-01", 200, id="the last second of 200 days"),
        pytest.param(HUNDRED, "dns-01", 100, id="100 days from 2027-03-15"),
        pytest.param(TEN - SECOND, "dns-01", 100, id="the last second of 100 days"),
        pytest.param(TEN, "tls-alpn-01", 10, id="10 days from 2029-03-15"),
        pytest.param(BEFORE, "dns-persist-01", 10, id="10 days by dns-persist-01"),
    ],
)
def test_how_old_a_proof_may_be(at: datetime, method: str, days: int) -> None:
    looked = permitted(SECOND, at=at)
    assert faults([NAME], [proof(days * DAY, at, method=method)], looked, at) == []
    [fault] = faults([NAME], [proof(days * DAY + SECOND, at, method=method)], looked, at)
    assert fault.startswith(f"{NAME} was proven too long ago")
    [later] = faults([NAME], [proof(-SECOND, at, method=method)], looked, at)
    assert "too long ago" in later  # proven after the signature: no proof of it


@pytest.mark.std("C-039", "C-046")
@pytest.mark.parametrize(
    ("proofs", "looked", "fault"),
    [
        pytest.param([proof(8 * DAY / 24)], [], None, id="asked eight hours before, with the proof"),
        pytest.param([proof(8 * DAY / 24 + SECOND)], [], "asked too long ago", id="a second more"),
        pytest.param([proof(9 * DAY)], permitted(8 * DAY / 24), None, id="asked anew eight hours before"),
        pytest.param(
            [proof(9 * DAY)], permitted(8 * DAY / 24 + SECOND), "asked too long ago", id="anew, a second more"
        ),
        pytest.param([proof(9 * DAY)], permitted(-SECOND), "asked too long ago", id="after the signature"),
        pytest.param([proof(caa=False)], [], "was not asked", id="proven without"),
        pytest.param([proof(9 * DAY)], permitted(SECOND, "api.demo.test"), "asked too long ago", id="of another name"),
        pytest.param([proof(name="demo.test", subdomains=True)], [], "was not asked", id="of the domain above alone"),
        pytest.param(
            [proof(name="demo.test", subdomains=True)], permitted(SECOND), None, id="proven above, asked here"
        ),
    ],
)
def test_how_long_ago_caa_may_have_been_asked(proofs: list[Proof], looked: list[Looked], fault: str | None) -> None:
    found = faults([NAME], proofs, looked)
    assert (
        found == []
        if fault is None
        else [f"CAA of {NAME} {fault}" in each or fault in each for each in found] == [True]
    )


@pytest.mark.std("C-012", "C-027")
@pytest.mark.parametrize(
    ("name", "proven", "expected"),
    [
        pytest.param(NAME, proof(), True, id="its own"),
        pytest.param("*.demo.test", proof(name="*.demo.test"), True, id="a wildcard by DNS"),
        pytest.param("*.demo.test", proof(name="*.demo.test", method="http-01"), False, id="a wildcard by http-01"),
        pytest.param(NAME, proof(name="demo.test"), False, id="its parent"),
        pytest.param(NAME, proof(name="demo.test", subdomains=True), True, id="its parent with all below"),
        pytest.param("*.demo.test", proof(name="demo.test", subdomains=True), True, id="a wildcard of it"),
        pytest.param("demo.test", proof(name="demo.test", subdomains=True), True, id="itself"),
        pytest.param("xdemo.test", proof(name="demo.test", subdomains=True), False, id="a label that ends so"),
        pytest.param(
            NAME, proof(name="demo.test", subdomains=True, method="http-01"), False, id="all below by http-01"
        ),
        pytest.param(NAME, proof(outcome="invalid"), False, id="a validation that failed"),
        pytest.param(
            "127.0.0.1", proof(name="127.0.0.1", method="http-01", caa=False), True, id="an address, without CAA"
        ),
    ],
)
def test_which_proof_covers_a_name(name: str, proven: Proof, expected: bool) -> None:
    found = faults([name], [proven], permitted(SECOND, name))
    assert (f"{name} was not proven" in found) is not expected
    assert (found == []) is expected


@pytest.mark.std("C-175")
def test_an_authorization_without_evidence_is_a_fault() -> None:
    assert faults([], [Proof("a", None, None)]) == ["there is no evidence that authorization a was proven"]
