"""What `keiyaku check` says of drills and of the list of public keys."""

from pathlib import Path

import msgspec
import pytest

from acme_server.clock import utc_now
from acme_server.config_sections import Keys
from acme_server.use_cases.check import faults_of
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


@pytest.mark.std("C-073")
async def test_a_list_of_public_keys_that_cannot_be_read_is_found(deployed: Deployed, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(deployed.settings, keys=Keys(blocklist=Path("blocklist.dat")))
    found = [fault.what for fault in await faults_of(settings, deployed.operator, utc_now)]
    assert found == [f"{tmp_path / 'blocklist.dat'}: No such file or directory"]
    (tmp_path / "blocklist.dat").write_bytes(bytes(16))
    assert await faults_of(settings, deployed.operator, utc_now) == []
