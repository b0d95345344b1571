"""Which keys a signer process has at its start, and which it opens later."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.config_sections import Ca, Database
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.signing_keys import keyring
from ca import hierarchy, keys, storage
from ca.keys import KeyUnusable
from sql import Pool

PASSPHRASE = b"a passphrase of the tests"
NAMES = hierarchy.Names("JP", "Test CA", "Test Root", "Test Issuing CA", "http://status.test")


@pytest.fixture
def settings(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> Settings:
    (tmp_path / "passphrase").write_bytes(PASSPHRASE)
    return Settings(
        data=tmp_path, database=Database(embedded=False, url=postgres.dsn("{role}", database)),
        ca=Ca(folder=tmp_path / "ca", passphrase_file=tmp_path / "passphrase"),
    )  # fmt: skip


async def second(pool: Pool, settings: Settings, since: timedelta) -> Path:
    """An issuing CA more, which issues since then; the file of its key."""
    now, folder = utc_now(), settings.ca.folder
    root = keys.load(hierarchy.key_file(folder, 0), PASSPHRASE)
    key, path = keys.generate(), hierarchy.key_file(folder, 4)
    keys.store(key, path, PASSPHRASE)
    async with pool.acquire() as conn:
        above = await storage.issuer(conn, 0)
        assert above is not None
        tbs = hierarchy.subordinate_tbs(hierarchy.distinguished_name(NAMES, "Second"), key.spki, above, now)
        made = hierarchy.issuer_from(4, NAMES, "Second", hierarchy.certificate_of(tbs, root), 4)
        await storage.insert_issuer(conn, made, 0, now, issues_from=now - since)
    return path


async def test_keys_of_issuing_cas_are_open_and_no_others(settings: Settings, pool: Pool) -> None:
    assert list(await keyring(settings)) == []  # before the ceremony
    await hierarchy.init(settings.ca.folder, settings.database.url_of("operator"), PASSPHRASE, NAMES, utc_now())
    assert list(await keyring(settings)) == [1]
    path = await second(pool, settings, timedelta(days=-30))
    assert sorted(await keyring(settings)) == [1, 4]
    path.rename(path.with_suffix(".away"))
    held = await keyring(settings)  # it waits for its time
    assert list(held) == [1]
    path.with_suffix(".away").rename(path)
    assert held.get(4) is not None


@pytest.mark.parametrize(
    ("away", "ends"),
    [pytest.param(4, True, id="of the one that issues"), pytest.param(1, False, id="of an earlier one")],
)
async def test_a_signer_does_not_start_without_the_key_of_the_ca_that_issues(
    settings: Settings, pool: Pool, away: int, ends: bool
) -> None:
    await hierarchy.init(settings.ca.folder, settings.database.url_of("operator"), PASSPHRASE, NAMES, utc_now())
    await second(pool, settings, timedelta(0))
    hierarchy.key_file(settings.ca.folder, away).unlink()
    if ends:
        with pytest.raises(KeyUnusable, match=r"issuer-4\.key\.pem: No such file"):
            await keyring(settings)
    else:
        assert list(await keyring(settings)) == [4]


async def test_while_the_database_is_away_keys_are_opened_when_they_are_asked_for(settings: Settings) -> None:
    await hierarchy.init(settings.ca.folder, settings.database.url_of("operator"), PASSPHRASE, NAMES, utc_now())
    away = Database(embedded=False, url="postgresql://nobody@127.0.0.1:1/none")
    held = await keyring(msgspec.structs.replace(settings, database=away))
    assert (list(held), held.get(1) is not None) == ([], True)
