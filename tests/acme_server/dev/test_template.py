"""The data folder of an installation, laid down once, and what a server that starts on a copy of it is."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from acme_server.dev import data_folder, lay_down, template
from acme_server.dev.disguise import disguise
from acme_server.dev.pg_binaries import PostgresUnavailable, binaries
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.dev.template import adopt
from sql.migrate import available, migrate

KNOWN = "SELECT identity = keiyaku.cluster_identity() FROM keiyaku.cluster"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """What an installation has, with the template of other migrations that was there before."""
    with tempfile.TemporaryDirectory(prefix="kt-") as name:
        share = Path(name, "share")
        (share / "postgres-0123456789abcdef" / "base").mkdir(parents=True)
        lay_down.lay_down(share)
        yield share


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server on a new data folder, a copy of the template."""
    made = EmbeddedPostgres(tmp_path / "pg", durable=False, template_of=lambda bin_dir: template.place(bin_dir, folder))
    made.start()
    yield made
    made.stop()


def test_one_template_is_there_and_nothing_half_made(folder: Path) -> None:
    bin_dir, _ = binaries(folder)
    assert list(folder.iterdir()) == [template.place(bin_dir, folder)]
    assert not (template.place(bin_dir, folder) / "postmaster.pid").exists()


def test_it_is_laid_down_once(folder: Path) -> None:
    (before,) = folder.iterdir()
    made = before.stat()
    assert lay_down.lay_down(folder) == before
    assert before.stat() == made


def test_other_migrations_have_another_template(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_dir, _ = binaries(folder)
    ours, shipped = template.place(bin_dir, folder), available()
    name, text = shipped[1]
    monkeypatch.setattr(template, "available", lambda: shipped | {1: (name, text + " ")})
    assert template.place(bin_dir, folder) != ours
    assert template.place(bin_dir / "other", folder) != ours


def test_only_a_template_that_is_there_is_found(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_dir, _ = binaries(folder)
    monkeypatch.setattr(template, "FOLDER", folder)
    assert template.found(bin_dir) == template.place(bin_dir, folder)
    monkeypatch.setattr(template, "FOLDER", tmp_path)
    assert template.found(bin_dir) is None


async def test_a_copy_becomes_a_cluster_of_its_own_and_a_restored_backup_does_not(server: EmbeddedPostgres) -> None:
    assert await migrate(server.dsn()) == []
    conn = await asyncpg.connect(server.dsn())
    assert await conn.fetchval(KNOWN) is False  # nothing would be sealed, and so nothing issued
    await adopt(conn)
    assert await conn.fetchval(KNOWN) is True
    await conn.execute("UPDATE keiyaku.cluster SET identity = '7/1/1'")  # as in a copy of another cluster
    await adopt(conn)
    assert await conn.fetchval(KNOWN) is False
    await conn.close()


@pytest.mark.parametrize("left", ["nothing", "a part"])
def test_a_template_that_goes_while_it_is_copied_is_done_without(tmp_path: Path, left: str) -> None:
    bin_dir, version = binaries(tmp_path)
    template, data = tmp_path / "gone", tmp_path / "data"
    if left == "a part":  # cp copies no folder into itself, and ends badly after it has copied the rest
        (template / "base").mkdir(parents=True)
        (template / "PG_VERSION").write_text("none")
        data = template / "data"
    data_folder.make(data, bin_dir, version, disguise(), durable=False, template=template)
    assert (data / "PG_VERSION").read_text() == f"{version}\n"
    assert [each.name for each in data.parent.iterdir() if each.name.startswith("making-")] == []


def test_what_cannot_be_made_either_way_leaves_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "initdb").symlink_to("/bin/false")
    with pytest.raises(PostgresUnavailable, match="initdb failed"):
        data_folder.make(tmp_path / "data", tmp_path, 17, disguise(), durable=False, template=tmp_path / "gone")
    assert [each.name for each in tmp_path.iterdir()] == ["initdb"]


def test_an_installation_that_cannot_have_one_says_why_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lay_down, "FOLDER", tmp_path)
    monkeypatch.setenv("KEIYAKU_PG_BIN", "/nowhere")
    lay_down.main()
    assert "the first start will take longer: need PostgreSQL" in capsys.readouterr().err
