"""The key ceremony on SoftHSM2: two people, step by step, interrupted anywhere, and never a second key."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import asyncpg
import msgspec
import pkcs11
import pytest
from cryptography import x509
from pkcs11 import Attribute

from acme_server.dev.postgres import EmbeddedPostgres
from ca import hierarchy, storage
from ca.ceremony import Script, Step
from ca.hierarchy import ISSUING, ROOT, Names
from ca.keys import FileVault, SigningKey
from ca.pkcs11_keys import TokenVault
from office.use_cases import ceremony, register
from office.use_cases.asked import Unfit, two_persons
from office.use_cases.ceremony import Places, Prepared
from sql import Conn, Pool
from tests.conftest import NOW
from tests.simulators.hsm import PIN, Hsm

NAMES = Names("JP", "Example CA K.K.", "Example Root 1", "Example Issuing 1", "http://status.example")
ISSUING_LABEL, ROOT_LABEL = hierarchy.key_label(ISSUING), hierarchy.key_label(ROOT)
SIGNED_BY_ROOT = {Step.ROOT_CERTIFICATE, Step.ISSUING_CERTIFICATE, Step.ROOT_CRL}


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Witness:
    """Stands before a vault, writes down what its keys do, and dies where it is told: before or after the effect."""

    vault: TokenVault
    dies: tuple[str, str] | None = None  # make or sign; before or after
    signed: list[bytes] = field(default_factory=list)
    opened: int = 0

    def describe(self) -> str:
        return self.vault.describe()

    def has(self, label: str) -> bool:
        return self.vault.has(label)

    def make(self, label: str) -> None:
        self.meet("make", "before")
        self.vault.make(label)
        self.meet("make", "after")

    @contextmanager
    def open(self, label: str) -> Iterator[SigningKey]:
        self.opened += 1
        with self.vault.open(label) as key:
            yield Hand(self, key)

    def meet(self, what: str, moment: str) -> None:
        if self.dies == (what, moment):
            self.dies = None
            raise Killed


class Hand:
    """A key that is watched."""

    def __init__(self, witness: Witness, key: SigningKey) -> None:
        self.witness, self.key, self.spki, self.repeatable = witness, key, key.spki, key.repeatable

    def sign(self, tbs: bytes) -> bytes:
        self.witness.meet("sign", "before")
        made = self.key.sign(tbs)
        self.witness.signed.append(tbs)
        self.witness.meet("sign", "after")
        return made


@dataclass
class House:
    """A ceremony's room: tokens, people, and connections that may break."""

    postgres: EmbeddedPostgres
    database: str
    root: Witness
    issuing: Witness
    now: datetime = NOW

    @property
    def places(self) -> Places:
        return Places(self.root, self.issuing)

    @property
    def script(self) -> Script:
        return Script(NAMES, 4, str(self.root.vault.place), str(self.issuing.vault.place))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Conn]:
        """As keiyaku_operator; ends whatever happens."""
        conn = await asyncpg.connect(self.postgres.dsn("keiyaku_operator", self.database))
        try:
            yield conn
        finally:
            await conn.close()

    async def until(self, last: Step) -> Prepared:
        """All before `last` is done, and `last` is prepared."""
        async with self.connection() as conn:
            held = await ceremony.enter(conn, self.script, self.places, self.now)
            people = await two_persons(conn, "ann", "bob")
            while (prepared := await ceremony.next_step(conn, held, self.now)) is not None and prepared.step != last:
                await ceremony.take(conn, held, prepared, people, self.places, self.now)
            assert prepared is not None
            return prepared

    async def end(self) -> str:
        """Everything is done. Returns the transcript."""
        async with self.connection() as conn:
            held = await ceremony.enter(conn, self.script, self.places, self.now)
            people = await two_persons(conn, "ann", "bob")
            while (prepared := await ceremony.next_step(conn, held, self.now)) is not None:
                await ceremony.take(conn, held, prepared, people, self.places, self.now)
            ended = await ceremony.finished(conn)
            assert ended is not None
            assert ended.transcript is not None
            return ended.transcript


@pytest.fixture
async def house(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> House:
    hsm = Hsm(tmp_path)
    made = House(postgres, database, Witness(hsm.vault("root")), Witness(hsm.vault("issuing")))
    async with made.connection() as conn:
        for handle in ("ann", "bob"):
            await register.add_person(conn, handle, handle.title(), "CA", NOW)
    return made


def objects(vault: TokenVault) -> list[str]:
    """Labels of all there is in the token."""
    library = pkcs11.lib(str(vault.place.module))
    with library.get_token(token_label=vault.place.token).open(user_pin=PIN) as session:
        return sorted(each[Attribute.LABEL] for each in session.get_objects())


async def holds(house: House, pool: Pool, transcript: str) -> None:
    """What must be true of every ceremony that is over."""
    assert objects(house.root.vault) == [ROOT_LABEL] * 2  # the two halves of one pair
    assert objects(house.issuing.vault) == [ISSUING_LABEL] * 2
    async with pool.acquire() as conn:
        above = await storage.issuer_chain(conn, ISSUING)
        assert (await storage.active_issuer(conn, house.now)).issuer.id == ISSUING
        rows = await conn.fetch("SELECT issuer_id, shard, number, der FROM ca.crls ORDER BY 1, 2")
    issuing, root = map(x509.load_der_x509_certificate, above)
    issuing.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    for vault, label, certificate in (
        (house.root, ROOT_LABEL, root), (house.issuing, ISSUING_LABEL, issuing),
    ):  # fmt: skip
        with vault.vault.open(label) as key:
            assert key.public_key == certificate.public_key()
    assert [tuple(row)[:3] for row in rows] == [(0, 0, 1), (1, 0, 1), (1, 1, 1), (1, 2, 1), (1, 3, 1)]
    for row in rows:
        made = x509.load_der_x509_crl(row["der"])
        assert made.is_signature_valid((root if row["issuer_id"] == ROOT else issuing).public_key())  # type: ignore[arg-type]
    kinds = await pool.fetch("SELECT kind, count(*) FROM evidence.records WHERE kind ~ '^(cere|issuer)' GROUP BY 1")
    counted = {row["kind"]: row["count"] for row in kinds}
    assert counted.pop("ceremony.prepared") >= len(Step)
    assert counted == {"ceremony.begun": 1, "ceremony.done": len(Step), "ceremony.ended": 1, "issuer.made": 2}
    digests = [sha256(certificate).hexdigest() for certificate in above]
    for text in ("ann and bob", ROOT_LABEL, ISSUING_LABEL, "SoftHSM", "token 'root', serial", *digests):
        assert text in transcript


@pytest.mark.std("C-117", "C-168", "C-133")
async def test_a_ceremony(house: House, pool: Pool) -> None:
    transcript = await house.end()
    await holds(house, pool, transcript)
    content = await pool.fetchval("SELECT content FROM evidence.records WHERE kind = 'ceremony.ended'")
    kept = msgspec.json.decode(content)
    assert "transcript" not in kept  # it has handles of people (T16-3)
    assert kept["transcript_sha256"] == sha256(transcript.encode()).hexdigest()
    assert await house.end() == transcript  # once more changes nothing
    await holds(house, pool, transcript)


@pytest.mark.std("C-117")
async def test_the_root_signs_in_three_steps_and_is_not_needed_in_another(house: House) -> None:
    for step in Step:
        prepared = await house.until(step)
        before = len(house.root.signed), len(house.issuing.signed), house.root.opened
        async with house.connection() as conn:
            held = await ceremony.enter(conn, house.script, house.places, NOW)
            await ceremony.take(conn, held, prepared, await two_persons(conn, "ann", "bob"), house.places, NOW)
        signed = len(house.root.signed) - before[0], len(house.issuing.signed) - before[1]
        assert signed == (int(step in SIGNED_BY_ROOT), 4 * (step is Step.ISSUING_CRLS)), step
        assert (house.root.opened > before[2]) is (step in {*SIGNED_BY_ROOT, Step.ROOT_KEY}), step
        assert house.root.signed[before[0] :] == (prepared.tbs if step in SIGNED_BY_ROOT else [])


@pytest.mark.std("C-117")
async def test_the_root_may_be_off_line_once_it_signed_its_crl(house: House, pool: Pool) -> None:
    await house.until(Step.ISSUING_CRLS)
    house.root.vault.place.pin_file.rename(house.root.vault.place.pin_file.with_suffix(".away"))
    transcript = await house.end()
    house.root.vault.place.pin_file.with_suffix(".away").rename(house.root.vault.place.pin_file)
    await holds(house, pool, transcript)


async def test_it_goes_on_after_a_break_before_each_step(house: House, pool: Pool) -> None:
    for step in Step:
        prepared = await house.until(step)
        again = await house.until(step)
        assert (again.tbs, again.preparations) == (prepared.tbs, 1), step
    await holds(house, pool, await house.end())


INTERRUPTS = [
    (Step.ROOT_KEY, "make", "before"), (Step.ROOT_KEY, "make", "after"),
    (Step.ROOT_CERTIFICATE, "sign", "before"), (Step.ROOT_CERTIFICATE, "sign", "after"),
    (Step.ISSUING_KEY, "make", "before"), (Step.ISSUING_KEY, "make", "after"),
    (Step.ISSUING_CERTIFICATE, "sign", "after"), (Step.ROOT_CRL, "sign", "after"),
    (Step.ISSUING_CRLS, "sign", "before"), (Step.ISSUING_CRLS, "sign", "after"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "what", "moment"), INTERRUPTS, ids=["-".join(each) for each in INTERRUPTS])
async def test_it_goes_on_where_it_was_killed_and_makes_no_second_key(
    house: House, pool: Pool, step: Step, what: str, moment: str
) -> None:
    prepared = await house.until(step)
    witness = house.issuing if step in (Step.ISSUING_KEY, Step.ISSUING_CRLS) else house.root
    witness.dies = (what, moment)
    with pytest.raises(Killed):
        await house.end()
    assert (await house.until(step)).tbs == prepared.tbs  # the same bytes, so the same serial number
    await holds(house, pool, await house.end())


@pytest.mark.std("C-116")
async def test_what_was_prepared_too_long_ago_is_made_anew(house: House, pool: Pool) -> None:
    for step in sorted(SIGNED_BY_ROOT | {Step.ISSUING_CRLS}, key=list(Step).index):
        prepared = await house.until(step)
        house.now += timedelta(hours=25)
        anew = await house.until(step)
        assert anew.tbs != prepared.tbs
        assert anew.preparations == 2
        async with house.connection() as conn:  # nobody can do what was prepared before
            held = await ceremony.enter(conn, house.script, house.places, house.now)
            people = await two_persons(conn, "ann", "bob")
            with pytest.raises(Unfit, match="is not done: C-1"):
                await ceremony.take(conn, held, prepared, people, house.places, house.now)
    transcript = await house.end()
    assert transcript.count("prepared 2 times") == 4
    await holds(house, pool, transcript)


async def test_two_different_people_by_constraint(house: House, pool: Pool) -> None:
    prepared = await house.until(Step.ROOT_KEY)
    async with house.connection() as conn:
        held = await ceremony.enter(conn, house.script, house.places, NOW)
        ann, bob = await two_persons(conn, "ann", "bob")
        with pytest.raises(asyncpg.CheckViolationError):
            await ceremony.take(conn, held, prepared, (ann, ann), house.places, NOW)
        await ceremony.take(conn, held, prepared, (bob, ann), house.places, NOW)
        with pytest.raises(Unfit, match="was done by somebody else"):
            await ceremony.take(conn, held, prepared, (ann, bob), house.places, NOW)
    transcript = await house.end()
    assert "2. root-key, done 2026" in transcript
    assert "by bob and ann" in transcript
    await holds(house, pool, transcript)


async def test_a_step_whose_token_is_away_is_not_done(house: House, pool: Pool) -> None:
    await house.until(Step.ROOT_CERTIFICATE)
    place = house.root.vault.place
    place.pin_file.write_text("999999")
    with pytest.raises(Unfit, match=r"step root-certificate is not done: .*PinIncorrect"):
        await house.end()
    place.pin_file.write_text(PIN)
    await holds(house, pool, await house.end())


async def test_an_exchanged_key_is_found(house: House) -> None:
    await house.until(Step.ROOT_CERTIFICATE)
    library = pkcs11.lib(str(house.root.vault.place.module))
    with library.get_token(token_label="root").open(user_pin=PIN, rw=True) as session:
        for each in list(session.get_objects()):
            each.destroy()
    house.root.vault.make(ROOT_LABEL)
    with pytest.raises(Unfit, match="the key is another one than the ceremony made"):
        await house.end()


async def test_what_stops_a_ceremony_before_it_begins(house: House, pool: Pool, tmp_path: Path) -> None:
    async with house.connection() as conn, house.connection() as other:
        beside = msgspec.structs.replace(house.script, root_place=house.script.issuing_place)
        with pytest.raises(Unfit, match="must not lie beside"):
            await ceremony.enter(conn, beside, house.places, NOW)
        with pytest.raises(Unfit, match="another ceremony is being held"):
            await ceremony.enter(other, house.script, house.places, NOW)
        house.issuing.vault.make(ISSUING_LABEL)
        with pytest.raises(Unfit, match="holds a key 'issuer-1' already"):
            await ceremony.enter(conn, house.script, house.places, NOW)
    assert await pool.fetchval("SELECT count(*) FROM office.ceremonies") == 0
    folders = Places(FileVault(tmp_path / "root", b"x" * 12), FileVault(tmp_path / "ca", b"x" * 12))
    names = Script(NAMES, 1, "root", "ca")
    async with house.connection() as conn:
        held = await ceremony.enter(conn, names, folders, NOW)
        assert await ceremony.next_step(conn, held, NOW) is not None
        other_names = msgspec.structs.replace(NAMES, organization="Another K.K.")
        with pytest.raises(Unfit, match="under way with another script") as refused:
            await ceremony.enter(conn, msgspec.structs.replace(names, names=other_names), folders, NOW)
        told = str(refused.value).splitlines()[1:]
        assert told[0] == f"  CA: {NAMES.organization}, JP. Status: {NAMES.status_url}"
        assert not any(line.startswith("  Root's key") for line in told)


async def test_keys_in_files_for_development(house: House, pool: Pool, tmp_path: Path) -> None:
    folders = Places(FileVault(tmp_path / "root", b"x" * 12), FileVault(tmp_path / "ca", b"x" * 12))
    script = Script(NAMES, 2, folders.root.describe(), folders.issuing.describe())
    async with house.connection() as conn:
        held = await ceremony.enter(conn, script, folders, NOW)
        people = await two_persons(conn, "ann", "bob")
        while (prepared := await ceremony.next_step(conn, held, NOW)) is not None:
            await ceremony.take(conn, held, prepared, people, folders, NOW)
        issuer = (await storage.active_issuer(conn, NOW)).issuer
    with FileVault(tmp_path / "ca", b"x" * 12).open(ISSUING_LABEL) as key:
        assert key.spki == issuer.spki
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["issuer-0.key.pem"]


async def test_a_database_with_a_ca_has_no_ceremony(house: House, pool: Pool, tmp_path: Path) -> None:
    await hierarchy.init(tmp_path / "keys", house.postgres.dsn(database=house.database), b"x" * 12, NAMES, NOW)
    with pytest.raises(Unfit, match="has a CA already"):
        await house.until(Step.BEGIN)
