"""Attacks by whoever owns the database: exactly what was touched is named."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from acme_server import evidence_verify
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.evidence_verify import Kind, Problem, Report, verify
from acme_server.sealer import Sealer, take_over
from contract_gate.articles.article_16_secrecy import kept_since
from contract_gate.evidence import Checkpoint, seal
from sql import Pool
from sql.evidence import append, append_all, entry

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@dataclass
class World:
    """Three checkpoints of three records each, and what is needed to attack and verify them."""

    pool: Pool
    dsn: str
    file: Path
    sealer: Sealer
    ids: list[UUID]

    async def decide(self, count: int = 3) -> list[UUID]:
        rows = [entry("thing.decided", "process:test", NOW, number=len(self.ids) + number) for number in range(count)]
        async with self.pool.acquire() as conn, conn.transaction():
            for row in rows:
                await append(conn, row)
        return sorted(row.id for row in rows)

    async def verified(self, at: datetime = LATER) -> Report:
        return await verify(self.dsn, self.file, KEY.public_key(), at)

    def lines(self) -> list[bytes]:
        return self.file.read_bytes().splitlines(keepends=True)

    def rewrite(self, lines: Sequence[bytes]) -> None:
        self.file.write_bytes(b"".join(lines))

    async def run(self, statement: str, *arguments: object) -> None:
        await self.pool.execute(statement, *arguments)


@pytest.fixture
async def world(postgres: EmbeddedPostgres, database: str, pool: Pool, tmp_path: Path) -> World:
    file = tmp_path / "checkpoints.jsonl"
    conn = await asyncpg.connect(postgres.dsn(user="keiyaku_seal", database=database))
    sealer = await take_over(conn, KEY, file)
    assert sealer
    world = World(pool, postgres.dsn(user="keiyaku_operator", database=database), file, sealer, [])
    for _ in range(3):
        world.ids += await world.decide()
        await sealer.run_once(NOW)
    return world


def found(report: Report) -> list[tuple[Kind, str]]:
    return [(problem.kind, problem.subject) for problem in report.problems]


async def test_evidence_nobody_touched(world: World) -> None:
    assert await world.verified() == Report(checkpoints=3, records=9)


async def change_content(w: World) -> None:
    await w.run("UPDATE evidence.records SET content = '{}' WHERE id = $1", w.ids[4])


async def change_instant_to_infinity(w: World) -> None:
    await w.run("UPDATE evidence.records SET recorded_at = 'infinity' WHERE id = $1", w.ids[4])


async def delete_record(w: World) -> None:
    await w.run("DELETE FROM evidence.records WHERE id = $1", w.ids[4])


async def delete_last_of_a_batch(w: World) -> None:
    await w.run("DELETE FROM evidence.records WHERE id = $1", w.ids[5])


async def swap_contents(w: World) -> None:
    await w.run(
        "UPDATE evidence.records a SET content = b.content FROM evidence.records b "
        "WHERE (a.id, b.id) IN (($1, $2), ($2, $1))",
        w.ids[0],
        w.ids[4],
    )


async def move_to_another_batch(w: World) -> None:
    await w.run(
        "UPDATE evidence.records SET transaction_id = (SELECT transaction_id FROM evidence.records WHERE id = $2) "
        "WHERE id = $1",
        w.ids[0],
        w.ids[4],
    )


async def add_to_a_sealed_range(w: World) -> None:
    await w.run(
        "INSERT INTO evidence.records SELECT $1, era, transaction_id, kind, contract_id, actor, recorded_at, content "
        "FROM evidence.records WHERE id = $2",
        UUID(int=w.ids[4].int + 1),
        w.ids[4],
    )


async def add_before_all_eras(w: World) -> None:
    await w.run("UPDATE evidence.records SET era = 0 WHERE id = $1", w.ids[4])


async def delete_newest_checkpoint(w: World) -> None:
    await w.run("DELETE FROM evidence.checkpoints WHERE number = 3")


async def delete_checkpoint_and_records(w: World) -> None:
    await w.run("DELETE FROM evidence.checkpoints WHERE number = 2")
    await w.run("DELETE FROM evidence.records WHERE id = ANY($1)", w.ids[3:6])


async def delete_all(w: World) -> None:
    await w.run("TRUNCATE evidence.checkpoints, evidence.records")


async def swap_checkpoints(w: World) -> None:
    await w.run("UPDATE evidence.checkpoints SET number = 5 - number + 100 WHERE number > 1")
    await w.run("UPDATE evidence.checkpoints SET number = number - 100 WHERE number > 100")


async def change_checkpoint(w: World) -> None:
    await w.run("UPDATE evidence.checkpoints SET sealed_at = $1 WHERE number = 2", LATER)


async def change_record_and_seal_again_with_another_key(w: World) -> None:
    await change_content(w)
    rows = await w.pool.fetch("SELECT * FROM evidence.checkpoints ORDER BY number")
    first, old = (Checkpoint(**row) for row in rows[:2])
    records = await w.pool.fetch("SELECT * FROM evidence.records WHERE id = ANY($1)", w.ids[3:6])
    made = [evidence_verify.Record(**row) for row in records]
    new = seal(made, old.to_transaction, first, Ed25519PrivateKey.generate(), NOW)
    await w.run(
        "UPDATE evidence.checkpoints SET leaves = $1, root = $2, hash = $3, signature = $4 WHERE number = 2",
        new.leaves,
        new.root,
        new.hash,
        new.signature,
    )


async def cut_the_file(w: World) -> None:
    w.rewrite(w.lines()[:2])


async def remove_a_line(w: World) -> None:
    w.rewrite([w.lines()[0], w.lines()[2]])


async def edit_a_line(w: World) -> None:
    one = msgspec.structs.replace(msgspec.json.decode(w.lines()[1], type=Checkpoint), sealed_at=LATER)
    w.rewrite([w.lines()[0], msgspec.json.encode(one) + b"\n", w.lines()[2]])


async def swap_lines(w: World) -> None:
    w.rewrite([w.lines()[1], w.lines()[0], w.lines()[2]])


async def break_a_line(w: World) -> None:
    w.rewrite([w.lines()[0], b"nonsense\n", w.lines()[2]])


async def remove_everywhere(w: World) -> None:
    await remove_a_line(w)
    await w.run("DELETE FROM evidence.checkpoints WHERE number = 2")


async def truncate_everywhere(w: World) -> None:
    await cut_the_file(w)
    await delete_newest_checkpoint(w)


Attack = Callable[[World], Awaitable[None]]
Expected = Callable[[World], list[tuple[Kind, object]]]


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        (change_content, lambda w: [(Kind.CHANGED, w.ids[4])]),
        (change_instant_to_infinity, lambda w: [(Kind.CHANGED, w.ids[4])]),
        (delete_record, lambda w: [(Kind.MISSING, w.ids[4])]),
        (delete_last_of_a_batch, lambda w: [(Kind.MISSING, w.ids[5])]),
        (swap_contents, lambda w: [(Kind.CHANGED, w.ids[0]), (Kind.CHANGED, w.ids[4])]),
        (move_to_another_batch, lambda w: [(Kind.MISSING, w.ids[0]), (Kind.ADDED, w.ids[0])]),
        (add_to_a_sealed_range, lambda w: [(Kind.ADDED, UUID(int=w.ids[4].int + 1))]),
        (add_before_all_eras, lambda w: [(Kind.ADDED, w.ids[4]), (Kind.MISSING, w.ids[4])]),
        (delete_newest_checkpoint, lambda w: [(Kind.NOT_IN_DATABASE, 3)]),
        (
            delete_checkpoint_and_records,
            lambda w: [(Kind.NOT_IN_DATABASE, 2), *((Kind.MISSING, i) for i in w.ids[3:6])],
        ),
        (
            delete_all,
            lambda w: [
                problem
                for n in range(3)
                for problem in ((Kind.NOT_IN_DATABASE, n + 1), *((Kind.MISSING, i) for i in w.ids[3 * n : 3 * n + 3]))
            ],
        ),
        (swap_checkpoints, lambda w: [(Kind.DIFFERS, 2), (Kind.DIFFERS, 3)]),
        (change_checkpoint, lambda w: [(Kind.DIFFERS, 2)]),
        (change_record_and_seal_again_with_another_key, lambda w: [(Kind.DIFFERS, 2), (Kind.CHANGED, w.ids[4])]),
        (cut_the_file, lambda w: [(Kind.NOT_IN_FILE, 3)]),
        (remove_a_line, lambda w: [(Kind.NOT_IN_FILE, 2)]),
        (edit_a_line, lambda w: [(Kind.DIFFERS, 2), (Kind.NOT_GENUINE, 2)]),
        (swap_lines, lambda w: [(Kind.NOT_IN_FILE, 1), (Kind.BAD_LINE, 2)]),
        (break_a_line, lambda w: [(Kind.BAD_LINE, 2), (Kind.NOT_IN_FILE, 2)]),
        (remove_everywhere, lambda w: [(Kind.CHAIN_BROKEN, 3), *((Kind.ADDED, i) for i in w.ids[3:6])]),
        (truncate_everywhere, lambda w: [(Kind.UNSEALED, i) for i in w.ids[6:]]),
    ],
)
async def test_attack_is_named(world: World, attack: Attack, expected: Expected) -> None:
    await attack(world)
    wanted = [(kind, str(subject)) for kind, subject in expected(world)]
    assert sorted(found(await world.verified())) == sorted(wanted)


async def test_checkpoint_signed_by_another_key_everywhere(world: World) -> None:
    other = Ed25519PrivateKey.generate().public_key()
    report = await verify(world.dsn, world.file, other, LATER)
    assert [p.kind for p in report.problems[:3]] == [Kind.NOT_GENUINE] * 3
    assert report.problems[0] == Problem(Kind.NOT_GENUINE, "1", "in the file: its signature is not by this key")


async def test_unsealed_record_has_a_minute(world: World) -> None:
    late = await world.decide(2)
    assert (await world.verified(NOW + timedelta(seconds=60))).intact
    assert found(await world.verified(NOW + timedelta(seconds=61))) == [(Kind.UNSEALED, str(i)) for i in late]
    await world.sealer.run_once(LATER)
    assert (await world.verified()).intact


async def test_checkpoint_just_made_may_be_on_its_way_to_the_file(world: World) -> None:
    await cut_the_file(world)
    assert (await world.verified(NOW + timedelta(seconds=60))).intact
    assert found(await world.verified(NOW + timedelta(seconds=61))) == [(Kind.NOT_IN_FILE, "3")]


async def test_other_era_is_verified_too(world: World) -> None:
    await world.run("ALTER TABLE evidence.records ALTER COLUMN era SET DEFAULT 2")
    new = await world.decide()
    await world.sealer.run_once(NOW)
    assert await world.verified() == Report(checkpoints=4, records=12)
    await world.run("UPDATE evidence.records SET era = 1, transaction_id = '99999999' WHERE id = $1", new[1])
    assert sorted(found(await world.verified())) == sorted([(Kind.ADDED, str(new[1])), (Kind.MISSING, str(new[1]))])


@pytest.mark.rule("T20-3")
@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_a_record_cites_the_terms_that_were_in_force(world: World, version: str) -> None:
    """What a decision wrote is right, and says so of itself; another version, sealed like any row, is named."""
    await world.run(
        "INSERT INTO gate.texts SELECT 'terms', v, sha256(v::bytea), 'https://ca.test/' || v, $1::timestamptz + d "
        "FROM (VALUES ('1.0', interval '0'), ('2.0', '1 day')) AS t(v, d)", NOW - timedelta(days=1, seconds=1),
    )  # fmt: skip
    rows = [
        entry("terms.enacted", "process:test", NOW - timedelta(days=1), rule="T20-1", version=v) for v in ("1.0", "2.0")
    ]
    rows += [entry("contract.accepted", "person:x", NOW, rule="T4-5")]
    rows += [entry("contract.accepted", "person:x", NOW, rule="T4-5", terms_version=version)]
    async with world.pool.acquire() as conn, conn.transaction():
        await append_all(conn, rows)
    await world.sealer.run_once(NOW)
    wrong = [(Kind.TERMS, str(rows[-1].id))] if version == "1.0" else []
    assert found(await world.verified()) == wrong


@pytest.mark.rule("T16-2", "T16-3")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param("SELECT", [], id="nobody touched it"),
        pytest.param("UPDATE office.ceremonies SET transcript = 'by eve'", ["it was changed"], id="changed"),
        pytest.param("DELETE FROM office.ceremonies", ["it is missing"], id="missing"),
        pytest.param(
            "UPDATE office.ceremonies SET transcript = '-', personal_data_destroyed_at = ended_at",
            ["evidence does not say that it was destroyed after its retention"], id="destroyed by hand",
        ),
        pytest.param(
            "INSERT INTO office.ceremonies (id, script, begun_at, transcript, ended_at)"
            " SELECT gen_random_uuid(), '', begun_at, 'another', ended_at FROM office.ceremonies",
            ["evidence has no hash of it"], id="without evidence",
        ),
    ],
)  # fmt: skip
async def test_transcripts_are_those_of_which_evidence_has_the_hash(
    world: World, change: str, expected: list[str]
) -> None:
    ceremony, text = UUID(int=7), "done by ann and bob"
    digest = sha256(text.encode()).hexdigest()
    await world.run("INSERT INTO office.ceremonies VALUES ($1, '', $2, $3, $2)", ceremony, NOW, text)
    async with world.pool.acquire() as conn:
        proof = entry("ceremony.ended", "process:test", NOW, ceremony=str(ceremony), transcript_sha256=digest)
        await append(conn, proof)
    await world.sealer.run_once(NOW)
    await world.run(change)
    report = await world.verified()
    assert [(each.kind, each.detail) for each in report.problems] == [(Kind.TRANSCRIPT, each) for each in expected]


@pytest.mark.rule("T16-2")
@pytest.mark.parametrize(("field", "intact"), [("ceremonies.transcript", True), ("documents.content", False)])
@pytest.mark.parametrize(("days", "past"), [(0, True), (-1, False)])
async def test_a_transcript_is_destroyed_at_its_date_and_evidence_says_so(
    world: World, field: str, intact: bool, days: int, past: bool
) -> None:
    """Signed 22 years, the longest that anything is kept, before the record of its end, or a day later."""
    ceremony, signed_at = UUID(int=7), kept_since("ceremonies.transcript", NOW) - timedelta(days=days)
    await world.run("INSERT INTO office.ceremonies VALUES ($1, '', $2, '-', $2, $3)", ceremony, signed_at, NOW)
    async with world.pool.acquire() as conn:
        begun = entry("ceremony.ended", "process:test", NOW, ceremony=str(ceremony), transcript_sha256="-")
        await append(conn, begun)
        await append(conn, entry("personal_data.destroyed", "process:test", NOW, field=field, rows=[ceremony, 1]))
    await world.sealer.run_once(NOW)
    assert (await world.verified()).intact is (intact and past)


@pytest.mark.rule("T16-2")
@pytest.mark.parametrize("sealed", [True, False])
async def test_a_record_dated_ahead_lets_no_transcript_go_before_its_date(world: World, sealed: bool) -> None:
    ceremony, far = UUID(int=7), NOW.replace(year=NOW.year + 23)
    await world.run("SELECT keiyaku.ensure_partitions($1, 0)", far)
    await world.run("INSERT INTO office.ceremonies VALUES ($1, '', $2, '-', $2, $2)", ceremony, NOW)
    async with world.pool.acquire() as conn:
        begun = entry("ceremony.ended", "process:test", NOW, ceremony=str(ceremony), transcript_sha256="-")
        gone = entry("personal_data.destroyed", "process:test", far, field="ceremonies.transcript", rows=[ceremony])
        await append(conn, begun)
        await append(conn, gone)
    if sealed:
        await world.sealer.run_once(NOW)
    report = await world.verified(NOW)
    assert [(each.kind, each.subject) for each in report.problems] == [(Kind.TRANSCRIPT, str(ceremony))]


async def test_report_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_verify, "MOST_NAMED", 4)
    await delete_all(world)
    report = await world.verified()
    assert (len(report.problems), report.omitted, report.intact) == (4, 8, False)


async def test_file_that_is_not_there(world: World) -> None:
    world.file.unlink()
    with pytest.raises(FileNotFoundError):
        await world.verified()
