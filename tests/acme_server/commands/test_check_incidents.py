"""What `keiyaku check` says of drills, of the list of public keys, and of other places of the network."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from acme_server.clock import utc_now
from acme_server.config import Url
from acme_server.config_sections import Keys, Mpic
from acme_server.use_cases.check import faults_of
from acme_server.use_cases.check_outside import perspectives
from tests.acme_server.commands.test_check import Deployed
from tests.acme_server.commands.test_check import deployed as deployed


@pytest.mark.std("C-166")
async def test_a_drill_older_than_a_year_is_found(deployed: Deployed) -> None:
    await deployed.owner.execute("UPDATE ca.issuers SET created_at = now() - interval '366 days'")
    assert await deployed.about() == ["incidents"]
    await deployed.owner.execute(
        "WITH p AS (INSERT INTO gate.persons (id, handle, name, organisation, created_at)"
        " SELECT gen_random_uuid(), h, h, 'CA', now() FROM unnest(ARRAY['eve', 'kim']) AS h RETURNING id)"
        " INSERT INTO office.incidents (id, drill, title, ground, query, known_at, deadline_at, planned_by, planned_at,"
        " per_second, wait, begun_at, begun_by_first, begun_by_second, windows_at, next_at, finished_at)"
        " SELECT gen_random_uuid(), true, 'drill', 'cps', 'all', now(), now(), min(id::text)::uuid, now(), 1, '0',"
        " now(), min(id::text)::uuid, max(id::text)::uuid, now(), now(), now() - interval '364 days' FROM p"
    )
    assert await deployed.about() == []
    await deployed.owner.execute("UPDATE office.incidents SET finished_at = now() - interval '366 days'")
    assert await deployed.about() == ["incidents"]


@pytest.mark.std("C-175")
async def test_a_sample_older_than_a_quarter_or_not_examined_is_found(deployed: Deployed) -> None:
    await deployed.owner.execute(
        "WITH p AS (INSERT INTO gate.persons (id, handle, name, organisation, created_at)"
        " VALUES (gen_random_uuid(), 'eve', 'Eve', 'CA', now()) RETURNING id)"
        " INSERT INTO office.audit_samples (id, from_at, until_at, percent, seed, seed_source, population,"
        " population_sha256, drawn_by, drawn_at) SELECT gen_random_uuid(), now() - interval '1 day', now(), 3,"
        " sha256(''), 'given', 0, sha256(''), id, now() - interval '91 days' FROM p"
    )
    assert await deployed.about() == []
    await deployed.owner.execute("UPDATE office.audit_samples SET drawn_at = now() - interval '93 days'")
    assert await deployed.about() == ["self-audit"]
    await deployed.owner.execute(
        "WITH s AS (INSERT INTO ca.serials VALUES ('\\x010203040506070809', gen_random_uuid(), 1) RETURNING serial),"
        " a AS (UPDATE office.audit_samples SET drawn_at = now() RETURNING id)"
        " INSERT INTO office.sampled_certificates (sample_id, serial) SELECT a.id, s.serial FROM a, s"
    )
    assert await deployed.about() == ["self-audit"]


@pytest.mark.std("C-073")
async def test_a_list_of_public_keys_that_cannot_be_read_is_found(deployed: Deployed, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(deployed.settings, keys=Keys(blocklist=Path("blocklist.dat")))
    found = [fault.what for fault in await faults_of(settings, deployed.operator, utc_now)]
    assert found == [f"{tmp_path / 'blocklist.dat'}: No such file or directory"]
    (tmp_path / "blocklist.dat").write_bytes(bytes(16))
    assert await faults_of(settings, deployed.operator, utc_now) == []


@pytest.mark.std("C-053")
async def test_too_few_perspectives_are_found_a_month_before_more_must_take_part(deployed: Deployed) -> None:
    places = ("a ARIN 0 0", "b RIPE 0 90", "c APNIC 0 180", "d LACNIC 0 -90")
    settings = msgspec.structs.replace(
        deployed.settings, mpic=Mpic(url=Url("https://mpic.example"), perspectives=places)
    )
    before, after = datetime(2026, 11, 14, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC)
    assert await perspectives(settings, deployed.operator, before) == []
    assert [fault.what for fault in await perspectives(settings, deployed.operator, after)] == [
        "4 perspectives are named, 5 must take part by 2026-12-15"
    ]
