"""One more issuing CA below a root that there is, on SoftHSM2: the root signs once, interrupted anywhere."""

from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
import pkcs11
import pytest
from cryptography import x509

from ca import storage
from ca.ceremony import SUCCESSION, Script, Step
from office.use_cases import ceremony
from office.use_cases.asked import Unfit, two_persons
from office.use_cases.ceremony import Prepared
from office.use_cases.succession import Wanted, script_of
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_ceremony import ISSUING_LABEL, NAMES, ROOT_LABEL, House, Killed, objects
from tests.office.use_cases.test_ceremony import house as house
from tests.simulators.hsm import PIN

WANTED = Wanted("Example Issuing 2", None, None, None, "http://other.example", 4, NOW + timedelta(days=30))
LABEL = "issuer-2"


async def script_for(conn: Conn, house: House, wanted: Wanted = WANTED) -> Script:
    return await script_of(conn, wanted, str(house.root.vault.place), str(house.issuing.vault.place))


async def go(house: House, last: Step | None = None, wanted: Wanted = WANTED) -> Prepared | None:
    """All before `last` is done, and `last` is prepared; or everything."""
    async with house.connection() as conn:
        held = await ceremony.enter(conn, await script_for(conn, house, wanted), house.places, house.now)
        people = await two_persons(conn, "ann", "bob")
        while (prepared := await ceremony.next_step(conn, held, house.now)) is not None and prepared.step != last:
            await ceremony.take(conn, held, prepared, people, house.places, house.now)
        return prepared


async def first(house: House) -> None:
    """Root and first issuing CA were made the day before."""
    await house.end()
    house.now += timedelta(days=1)


async def transcript(pool: Pool) -> str:
    found: str = await pool.fetchval("SELECT transcript FROM office.ceremonies ORDER BY begun_at DESC, id DESC LIMIT 1")
    return found


async def holds(house: House, pool: Pool, issues_from: datetime | None = WANTED.issues_from) -> None:
    """What must be true of every one that is over."""
    assert objects(house.root.vault) == [ROOT_LABEL] * 2
    assert objects(house.issuing.vault) == sorted([ISSUING_LABEL, LABEL] * 2)
    async with pool.acquire() as conn:
        first, second = await storage.issuing(conn)
        issuing, root = map(x509.load_der_x509_certificate, await storage.issuer_chain(conn, 2))
        rows = await conn.fetch("SELECT shard, number, der FROM ca.crls WHERE issuer_id = 2 ORDER BY 1")
    assert (second.issuer.id, second.issuer.name, second.issues_from) == (2, WANTED.issuing, issues_from)
    assert second.issuer.status_url == WANTED.status_url
    assert first.issuer.spki != second.issuer.spki
    issuing.verify_directly_issued_by(root)
    with house.issuing.vault.open(LABEL) as key:
        assert key.public_key == issuing.public_key()
    points = issuing.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert [name.value for name in points[0].full_name or []] == [f"{NAMES.status_url}/crl/0/0.crl"]  # as the root's
    subject = {each.rfc4514_attribute_name: each.value for each in issuing.subject}
    assert subject == {"C": "JP", "O": NAMES.organization, "CN": WANTED.issuing}
    assert [(row["shard"], row["number"]) for row in rows] == [(0, 1), (1, 1), (2, 1), (3, 1)]
    for row in rows:
        assert x509.load_der_x509_crl(row["der"]).is_signature_valid(issuing.public_key())  # type: ignore[arg-type]
    text = await transcript(pool)
    for said in ("ann and bob", f"key {ROOT_LABEL}", f"key {LABEL}", sha256(second.issuer.certificate).hexdigest()):
        assert said in text


@pytest.mark.std("C-117", "C-114", "C-168")
async def test_the_root_signs_one_certificate_and_nothing_else(house: House, pool: Pool) -> None:
    await first(house)
    before = len(house.root.signed)
    for step in SUCCESSION:
        opened = house.root.opened
        prepared = await go(house, step)
        assert prepared is not None
        after = await go(house, SUCCESSION[SUCCESSION.index(step) + 1] if step is not Step.PUBLISH else None)
        assert (after is None) is (step is Step.PUBLISH)
        assert house.root.signed[before:] == (prepared.tbs if step is Step.ISSUING_CERTIFICATE else [])
        assert house.root.opened - opened == (step is Step.ISSUING_CERTIFICATE)
        before = len(house.root.signed)
    await holds(house, pool)
    text = await transcript(pool)
    assert await go(house) is None  # once more changes nothing
    assert await transcript(pool) == text
    assert await pool.fetchval("SELECT count(*) FROM office.ceremonies") == 2
    assert "5. publish: Put certificate and CRLs into the database: Example Issuing 2 issues from 2026-12-22T" in text


INTERRUPTS = [
    (Step.ISSUING_KEY, "make", "before"), (Step.ISSUING_KEY, "make", "after"),
    (Step.ISSUING_CERTIFICATE, "sign", "before"), (Step.ISSUING_CERTIFICATE, "sign", "after"),
    (Step.ISSUING_CRLS, "sign", "before"), (Step.ISSUING_CRLS, "sign", "after"),
]  # fmt: skip


async def test_it_goes_on_where_it_was_killed_and_makes_no_second_key(house: House, pool: Pool) -> None:
    await first(house)
    for step, what, moment in INTERRUPTS:
        prepared = await go(house, step)
        assert prepared is not None
        witness = house.root if step is Step.ISSUING_CERTIFICATE else house.issuing
        witness.dies = (what, moment)
        with pytest.raises(Killed):
            await go(house)
        again = await go(house, step)
        assert again is not None
        assert (again.tbs, again.preparations) == (prepared.tbs, 1)
    await go(house)
    await holds(house, pool)


async def test_it_issues_at_once_when_no_instant_is_named_or_that_has_passed(house: House, pool: Pool) -> None:
    await first(house)
    soon = msgspec.structs.replace(WANTED, issues_from=house.now + timedelta(hours=1))
    await go(house, Step.PUBLISH, soon)
    house.now += timedelta(hours=2)
    await go(house, None, soon)
    await holds(house, pool, house.now)
    third = msgspec.structs.replace(WANTED, issuing="Example Issuing 3", issues_from=None)
    house.now += timedelta(seconds=1)
    await go(house, None, third)
    async with pool.acquire() as conn:
        active = await storage.active_issuer(conn, house.now)
    assert (active.issuer.id, active.issues_from) == (3, house.now)


async def test_what_stops_it_before_it_begins(house: House, pool: Pool) -> None:
    with pytest.raises(Unfit, match="there is no root yet: hold the first ceremony"):
        await go(house)
    await first(house)
    held = await pool.fetchval("SELECT count(*) FROM office.ceremonies")
    for changes, said in (
        ({"issuing": NAMES.issuing}, "there is a CA called 'Example Issuing 1' already"),
        ({"issuing": NAMES.root}, "there is a CA called 'Example Root 1' already"),
        ({"issues_from": house.now}, "--issues-from is past"),
        ({"root": "Another"}, "root 'Another' is unknown: choose Example Root 1"),
    ):
        with pytest.raises(Unfit, match=said):
            await go(house, wanted=msgspec.structs.replace(WANTED, **changes))
    house.root, house.issuing = house.issuing, house.root
    with pytest.raises(Unfit, match="holds no key 'issuer-0': the root's is needed"):
        await go(house)
    house.root, house.issuing = house.issuing, house.root
    house.issuing.vault.make(LABEL)
    with pytest.raises(Unfit, match="holds a key 'issuer-2' already: delete it if no CA needs it"):
        await go(house)
    assert await pool.fetchval("SELECT count(*) FROM office.ceremonies") == held


async def test_another_roots_key_signs_nothing(house: House) -> None:
    await first(house)
    await go(house, Step.ISSUING_CERTIFICATE)
    place = house.root.vault.place
    with pkcs11.lib(str(place.module)).get_token(token_label="root").open(user_pin=PIN, rw=True) as session:
        for each in list(session.get_objects()):
            each.destroy()
    house.root.vault.make(ROOT_LABEL)
    with pytest.raises(Unfit, match="the key is another one than the ceremony made"):
        await go(house)
