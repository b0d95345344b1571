"""Every listing comes whole, or in pages that lose and repeat nothing; a cursor leads on in its listing alone."""

from datetime import timedelta
from typing import Any

import pytest

from contract_gate.articles.article_25_liability import EXCLUSIONS
from office.edge.api.calls import Operation, Paged
from office.edge.api.cursors import Listing
from office.edge.api.operations import OPERATIONS
from office.use_cases import acceptance, contracts, sellers
from office.use_cases.deliver import address_notices
from office.use_cases.notify import notify
from sql import Conn, Pool, statements
from tests.conftest import NOW
from tests.office.conftest import ACCESS, YESTERDAY
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_router import OURS, address, described, things
from tests.office.use_cases.issued import issue
from tests.office.use_cases.test_bank_import import file_of
from tests.office.use_cases.test_duties import POSTING
from tests.office.use_cases.test_writers import reviewed_and_stated
from tests.simulators.bank_files import Credit

CONTRACTS = ("b", "c")
REPORT = {"reporter": "R", "email": "r@example.org", "what": "spam", "serials": [OURS["serial"]]}
LEAK = {"found_at": "2026-11-21T00:00:00Z", "malicious": True, "affected": "3 addresses", "measures": "closed"}
WINDOW = {"reason": "disks", "starts_at": "2026-12-20T00:00:00Z", "ends_at": "2026-12-20T01:00:00Z"}
CASE = {"ground": "request", "reporter": "R", "note": "n", "contract": "acme"}
TERMS = {
    "version": "{each}", "sha256": "ab" * 32, "url": "https://ca.example/t", "change": "c", "reason": "r",
    "effective_at": (NOW + timedelta(days=60)).isoformat(),
}  # fmt: skip
ABSENCE = {"person": "ann", "deputy": "bob", "from_on": "2026-11-23", "until_on": "2026-11-26"}
DRILL = {"title": "{each}", "ground": "misissued", "known_at": NOW.isoformat(), "drill": True, "contract": "acme"}
EXTENSION = {"timer": "lapse", "suspension": OURS["suspension"], "until": "2027-01-31T00:00:00Z", "reason": "r"}
LIABILITY = {"incident_on": "2026-11-20", "damage_yen": 1, "applies": [], "not_applies": list(EXCLUSIONS)}

# Who makes one of a listing, where, and with what; {each} is another contract each time.
MADE: list[tuple[str, str, dict[str, Any]]] = [
    ("officer", "/revocation-cases", CASE),
    ("", "/problem-reports", REPORT),
    ("compliance", "/contracts/{each}/holds", {"kind": "conduct", "item": 2, "status": "reported", "reason": "r"}),
    ("officer", "/contracts/{each}/seal", {}),
    ("officer", "/leaks", LEAK),
    ("operator", "/maintenance", WINDOW),
    ("officer", "/contracts/{each}/consultation", {"reason": "r", "owner": "bob", "review_on": "2026-12-01"}),
    ("officer", "/subcontractors", {"organisation": "{each}", "role": "hosting", "from_on": "2026-11-01"}),
    ("officer", "/absences", ABSENCE),
    ("operator", "/incidents", DRILL),
    ("officer", "/contracts/acme/timer-extensions", EXTENSION),
    ("officer", "/contracts/acme/liability", LIABILITY),
    ("officer", "/receipts", {"amount_yen": 5, "value_on": "2026-11-20", "remitter": "REI", "source": "passbook"}),
    ("officer", "/payer-aliases", {"customer": "kaisha", "name": "{each}"}),
    ("officer", "/dealer-aliases", {"dealer": "Dealer", "name": "{each}"}),
    ("officer", "/contracts/acme/limits", {"name": "orders_of_contract", "number": 9, "reason": "{each}"}),
    ("officer", "/contracts/acme/screenings", {"role": "payer", "name": "{each}"}),
    ("operator", "/proposals", {"kind": "incident.begin", "arguments": {"incident": OURS["incident"], "reason": "r"}}),
]
STORED = (
    """INSERT INTO office.register_states (customer_id, name, prefecture, city, street, checked_at)
        SELECT id, 'N', 'P', 'C', 'S', $1 FROM gate.customers""",
    """INSERT INTO office.settlements (contract_id, end_cause, ended_on, outcome, owed_yen, open_yen, returned_yen,
            reason, decided_by_first, decided_by_second, decided_at)
        SELECT c.id, 'cancelled', $1::timestamptz::date, 'nothing_owed', 0, 0, 0, 'r', a.id, b.id, $1
        FROM gate.contracts c, gate.persons a, gate.persons b WHERE a.handle = 'ann' AND b.handle = 'bob'""",
    """WITH bills AS (
            INSERT INTO gate.invoices
                (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at)
            SELECT gen_random_uuid(), c.id, 'I-2-' || c.handle, 'fee', '2026-11-01', '2026-12-31', 10, 10, $1
            FROM gate.contracts c RETURNING id)
        INSERT INTO office.tax_credits (id, invoice_id, amount_yen, basis_points, found_at, rates, months)
        SELECT gen_random_uuid(), id, 1, 1000, $1, '{800}', '{12}' FROM bills""",
    """INSERT INTO office.adjustments (id, invoice_id, kind, number, amount_yen, tax_yen, basis_points, reason,
            decided_by_first, decided_by_second, decided_at)
        SELECT gen_random_uuid(), i.id, 'credit', 'C9999999' || n, 1, 0, 1000, 'r', a.id, b.id, $1
        FROM gate.invoices i, gate.persons a, gate.persons b, generate_series(1, 2) n
        WHERE i.number = 'I-1' AND a.handle = 'ann' AND b.handle = 'bob'""",
    """INSERT INTO gate.readings (key, effective_at, value, set_by_first, set_by_second)
        SELECT key, $1, '0', a.id, b.id
        FROM unnest('{payment.tolerance,invoice.names}'::text[]) AS key, gate.persons a, gate.persons b
        WHERE a.handle = 'ann' AND b.handle = 'bob'""",
    """INSERT INTO office.access_reviews (id, reviewed_by_first, reviewed_by_second, entries, list_sha256, findings,
            reviewed_at)
        SELECT gen_random_uuid(), a.id, b.id, 1, sha256(''), 'none', $1
        FROM gate.persons a, gate.persons b, generate_series(1, 2) WHERE a.handle = 'ann' AND b.handle = 'bob'""",
    """WITH gone AS (
            INSERT INTO gate.persons (id, handle, name, organisation, created_at, left_at)
            SELECT gen_random_uuid(), 'gone' || n, 'Gone', 'CA', $1, $1 FROM generate_series(1, 2) n RETURNING id)
        INSERT INTO office.departures (person_id, recorded_by, recorded_at)
        SELECT gone.id, p.id, $1 FROM gone, gate.persons p WHERE p.handle = 'bob'""",
    """INSERT INTO office.audit_samples (id, from_at, until_at, percent, seed, seed_source, population,
            population_sha256, drawn_by, drawn_at)
        SELECT gen_random_uuid(), from_at, until_at, 3, seed, 'given', 1, sha256(''), drawn_by, $1
        FROM office.audit_samples""",
    """INSERT INTO office.sampled_certificates (sample_id, serial)
        SELECT x.sample_id, s.serial FROM office.sampled_certificates x JOIN ca.serials s ON s.serial <> x.serial
        WHERE $1::timestamptz IS NOT NULL""",
    """INSERT INTO office.ceremonies (id, script, begun_at, transcript, ended_at)
        VALUES (gen_random_uuid(), '{}', $1, 'T', $1)""",
    """INSERT INTO gate.texts (kind, version, sha256, url, effective_at)
        SELECT 'cps', 'v' || n, sha256(''), 'https://ca.example/t', $1::timestamptz + n * interval '1 day'
        FROM generate_series(1, 3) n""",
    """INSERT INTO gate.plans (id, handle, name, fee_yen, term_months, names_max)
        SELECT gen_random_uuid(), 'p' || n, 'P', 1, 1, 1
        FROM generate_series(1, 2) n WHERE $1::timestamptz IS NOT NULL""",
    """INSERT INTO evidence.checkpoints (number, era, from_transaction, to_transaction, record_count, leaves, root,
            previous, sealed_at, hash, signature)
        SELECT 2, 1, '1', '2', 1, leaves, root, hash, $1, sha256('2'), '' FROM evidence.checkpoints""",
    """INSERT INTO office.destructions (field, destroyed_at, rows) VALUES ('a', $1, 1), ('b', $1, 2)""",
    """WITH another AS (
            INSERT INTO office.bank_files (id, sha256, name, imported_at, lines, known, late, missing)
            VALUES (gen_random_uuid(), sha256('another'), 'another', $1, 0, 0, 0, 0) RETURNING id)
        INSERT INTO office.bank_file_periods (file_id, record, bank_account_id, period_from, period_to)
        SELECT another.id, 1, a.id, '2026-11-01', '2026-11-01' FROM another, gate.bank_accounts a""",
)
# What comes whole, and the statement that limits nothing.
WHOLE = {
    "listNames": ("contracts", "live_names"),
    "listRequesters": ("applications", "requesters"),
    "listKeys": ("keys", "keys"),
    "listDocuments": ("documents", "documents"),
    "showSeal": ("seals", "seal_of"),
    "listSuspensions": ("holds", "suspensions"),
    "listBankAccounts": ("bank", "accounts"),
    "listHolidays": ("holidays", "between"),
    "listReadings": ("readings", "to_come"),
    "listContractConsultations": ("consultations", "consultations"),  # one at most is held over a contract
}
# What two people decide with their tokens, and rests that are small and overdue.
FEW = {"listAccessReviews", "listLeavers", "listReadingChanges", "listSmallRests"}
QUERIES = {
    "forecast": {"at": (NOW + timedelta(days=300)).isoformat()},
    "listJournal": {"first": "2026-01-01", "last": "2026-12-31"},
}


def listings() -> list[Operation]:
    """Operations that answer items and what comes next."""
    found = []
    for each in OPERATIONS:
        if each.method == "GET":
            said = described()[each.method, each.path]["responses"]["200"]["content"].get("application/json", {})
            if {"items", "next"} <= {*said.get("schema", {}).get("required", ())}:
                found.append(each)
    return found


def test_every_listing_is_paged_or_limits_nothing() -> None:
    whole = {each.id for each in listings() if not issubclass(each.query, Paged)}
    assert whole == WHOLE.keys()
    limited = {name for name, (module, block) in WHOLE.items() if "LIMIT" in statements(f"office/{module}")[block]}
    assert limited == {"listContractConsultations"}
    for each in listings():
        given = {said["$ref"].rpartition("/")[2] for said in described()["GET", each.path].get("parameters", ())
                 if "$ref" in said}  # fmt: skip
        assert ({"cursor", "limit"} <= given) == issubclass(each.query, Paged), each.id


async def arranged(api: Api, conn: Conn, pool: Pool) -> None:
    """Two or more of everything that is listed; many of the same instant, so that their ids decide."""
    await acceptance.accept(conn, "acme", "ann", "bob", ACCESS, NOW)
    await pool.execute("INSERT INTO gate.contract_starts SELECT id, id, $1 FROM gate.contracts", NOW)
    await things(pool)
    await issue(pool, "acme", 8, NOW)
    for handle, customer in zip(CONTRACTS, ("kaisha", "other"), strict=True):
        await api.made("officer", "/applications", {"handle": handle, "plan": "small", "customer": customer})
        await api.made("officer", f"/contracts/{handle}/names", {"name": f"{handle}.example.jp"})
        await reviewed_and_stated(conn, handle)
        await api.made("officer", f"/contracts/{handle}/eligibility-approval", {"grounds": "a school"})
        await acceptance.accept(conn, handle, "ann", "bob", ACCESS, NOW)
    await pool.execute("UPDATE office.applications SET dealer = 'Dealer'")
    for role, path, body in MADE:
        for each in ("acme", *CONTRACTS):
            filled = {name: value.format(each=each) if value == "{each}" else value for name, value in body.items()}
            await api.made(role, path.format(each=each), filled)
    for day, version in enumerate(("acme", *CONTRACTS)):
        at = (NOW + timedelta(days=40 + day)).isoformat()
        await api.made("compliance", "/terms-announcements", TERMS | {"version": version, "effective_at": at})
    for number in ("T7000012050002", "T1234567890123"):
        api.clock.at += timedelta(microseconds=1)
        issuer = sellers.NewSeller("Rei CA K.K.", "Tokyo", number, None)
        await sellers.set_seller(conn, issuer, "ann", "bob", api.clock.at)
    octets = {"data": file_of(Credit(1, "ﾀﾞﾚｶ", day=YESTERDAY), Credit(2, "ﾀﾞﾚｶ", day=YESTERDAY))}
    headers = {"Content-Type": "application/octet-stream"}
    assert (await api.call("officer", "POST", "/bank-files", headers=headers, **octets))[0] == 200
    for _ in range(2):
        proof = await api.call("officer", "POST", "/contracts/acme/documents", data=b"x", headers=headers,
                               params={"kind": "k", "issued_on": "2026-11-01"})  # fmt: skip
        await api.made("officer", "/contracts/acme/changes", {"item": "address", "document": proof[1]["id"]})
    for statement in STORED:
        await pool.execute(statement, NOW)
    acme = (await contracts.shown(conn, "acme")).id
    await notify(conn, "contract_formed", NOW, contract_id=acme, directory="d", portal="p")  # a second time
    await address_notices(pool, NOW, posting=POSTING)


async def walked(api: Api, role: str, path: str, query: dict[str, Any] | None = None) -> list[Any]:
    """Every thing of a listing, one a page."""
    seen: list[Any] = []
    asked = {**(query or {}), "limit": 1}
    while True:
        status, page = await api.call(role, "GET", path, params=asked)
        assert status == 200, page
        assert len(page["items"]) <= 1
        seen += page["items"]
        if page["next"] is None:
            return seen
        asked["cursor"] = page["next"]


async def test_a_listing_walked_one_by_one_is_the_listing(api: Api, applied: Conn, pool: Pool) -> None:
    await arranged(api, applied, pool)
    few = set()
    for each in listings():
        if issubclass(each.query, Paged):
            role = "compliance" if each.roles == {"compliance"} else "auditor"
            path, query = address(each.path), QUERIES.get(each.id, {})
            status, whole = await api.call(role, "GET", path, params={**query, "limit": 200})
            assert (status, whole.get("next")) == (200, None), (each.id, whole)
            assert await walked(api, role, path, query) == whole["items"], each.id
            few |= {each.id} if len(whole["items"]) < 2 else set()
    assert few <= FEW


BAD = "the cursor is not one of this listing"


async def test_a_cursor_leads_on_in_its_listing_alone(api: Api, pool: Pool) -> None:
    """Not what nobody gave, nor what another listing, another filter, another contract or another token was given."""
    await things(pool)
    for listing in ("/persons", "/customers"):
        given = (await api.call("auditor", "GET", listing, params={"limit": 1}))[1]["next"]
        for other in listings():
            if issubclass(other.query, Paged) and other.path != listing:
                role = "compliance" if other.roles == {"compliance"} else "auditor"
                if other.roles >= {role}:
                    query = {**QUERIES.get(other.id, {}), "cursor": given}
                    status, problem = await api.call(role, "GET", address(other.path), params=query)
                    assert (status, problem["detail"].startswith(BAD)) == (422, True), other.id
    asked = {"limit": 1, "all": "true"}
    for _ in range(2):
        await api.made("officer", "/revocation-cases", CASE)
    given = (await api.call("auditor", "GET", "/revocation-cases", params=asked))[1]["next"]
    for role, query, expected in (
        ("auditor", {"cursor": given, "all": "true"}, 200),
        ("auditor", {"cursor": given, "all": "true", "limit": 7}, 200),  # a page may be longer than the one before
        ("auditor", {"cursor": given}, 422),
        ("officer", {"cursor": given, "all": "true"}, 422),
        ("auditor", {"cursor": given[:-2] + "AA", "all": "true"}, 422),
        ("auditor", {"cursor": OURS["report"], "all": "true"}, 422),
        ("auditor", {"cursor": "x", "all": "true"}, 422),
        ("auditor", {"cursor": "例", "all": "true"}, 422),
    ):
        status, said = await api.call(role, "GET", "/revocation-cases", params=query)
        assert (status, BAD in str(said)) == (expected, expected == 422), query


@pytest.mark.parametrize(
    "path", ["/revocation-cases", "/invoices", "/contracts", "/desk", "/leaks", "/consultations", "/bank-queue"]
)
async def test_a_place_that_its_own_caller_made_up_is_refused(api: Api, path: str) -> None:
    """Who holds the token can make the code; nothing follows from that but a refusal."""
    query = next(each.query for each in OPERATIONS if (each.method, each.path) == ("GET", path))()
    assert isinstance(query, Paged)
    cursor = Listing(api.secrets["auditor"], "/api" + path, query).cursor("x" * 20)
    status, problem = await api.call("auditor", "GET", path, params={"cursor": cursor})
    assert (status, "none of ours" in problem["detail"]) == (422, True)


async def test_what_was_looked_at_and_changed_meanwhile_hides_nothing_behind_it(api: Api, applied: Conn) -> None:
    """The day of a consultation moves, a leak has its final report: both go to the back, nothing is lost."""
    role, path, body = next(each for each in MADE if each[1].endswith("/consultation"))
    for handle in CONTRACTS:
        await api.made("officer", "/applications", {"handle": handle, "plan": "small", "customer": "kaisha"})
    for each in ("acme", *CONTRACTS):
        await api.made(role, path.format(each=each), body)
    first = (await api.call("auditor", "GET", "/consultations", params={"limit": 1}))[1]
    again = {"review_on": "2027-01-10"}
    await api.made("officer", "/contracts/acme/consultation/review", again)
    behind = (await api.call("auditor", "GET", "/consultations", params={"cursor": first["next"]}))[1]
    assert [each["contract"] for each in behind["items"]] == [*CONTRACTS, "acme"]

    ids = [(await api.made("officer", "/leaks", LEAK))["id"] for _ in range(3)]
    first = (await api.call("auditor", "GET", "/leaks", params={"limit": 1}))[1]
    for final in ("preliminary", "final"):
        await api.made("officer", f"/leaks/{first['items'][0]['id']}/reports", {"report": final})
    behind = (await api.call("auditor", "GET", "/leaks", params={"cursor": first["next"]}))[1]
    assert {each["id"] for each in behind["items"]} == set(ids)
    assert behind["items"][-1]["id"] == first["items"][0]["id"]
