"""No certificate outlives the issuing CA that signs it: relying parties would refuse its chain (RFC 5280 §6.1.3)."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from acme_server.clock import utc_now
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.use_cases import ca_now
from acme_server.use_cases.orders import check_issuer_lasts
from ca import hierarchy, keys
from tests.acme_server.client import leaf
from tests.acme_server.conftest import PASSPHRASE, Served
from tests.acme_server.edge.arrange import ready, rfc3339, run, run_jobs
from tests.acme_server.edge.test_finalize import NAME, STALE, count, status_of
from tests.ca.arrange import ISSUER

DAY, SECOND, MICROSECOND = timedelta(days=1), timedelta(seconds=1), timedelta(microseconds=1)
END = ISSUER.not_after


async def ends(served: Served, folder: Path, at: datetime) -> None:
    """The issuing CA's certificate is one that ends then, with the same key."""
    root, own = (keys.load(hierarchy.key_file(folder / "ca", number), PASSPHRASE) for number in (0, 1))
    issuer = served.context.issuer
    async with served.owner.acquire() as conn:
        [above] = await conn.fetch("SELECT certificate FROM ca.issuers WHERE id = 0")
        parent = hierarchy.issuer_from(
            0, hierarchy.Names("JP", "Test CA", "Test Root", issuer.name, issuer.status_url), "Test Root",
            x509.load_der_x509_certificate(above["certificate"]), 1,
        )  # fmt: skip
        subject = x509.load_der_x509_certificate(issuer.certificate).subject
        tbs = hierarchy.subordinate_tbs(subject, own.spki, parent, at - hierarchy.ISSUING_LIFETIME + SECOND)
        der = hierarchy.certificate_of(tbs, root).public_bytes(Encoding.DER)
        await conn.execute("UPDATE ca.issuers SET certificate = $1 WHERE id = 1", der)
    await ca_now.refresh(served.context, utc_now())
    assert served.context.issuer.not_after == at


async def test_certificates_end_with_the_ca_at_the_latest(served: Served, tmp_path: Path) -> None:
    client, end = await served.registered(), utc_now().replace(microsecond=0) + timedelta(days=60)
    _, placed_before = await ready(client, NAME, notAfter=rfc3339(end + SECOND))
    await ends(served, tmp_path, end)
    assert leaf(await client.certificate(NAME)).not_valid_after_utc == end
    assert leaf(await client.certificate(NAME, notAfter=rfc3339(end))).not_valid_after_utc == end
    for refused in (await client.order(NAME, notAfter=rfc3339(end + SECOND)), await client.finalize(placed_before)):
        assert (refused.status, refused.error) == (400, "malformed")
        assert f"would sign yours, {end:%FT%TZ}. Ask for less" in refused.json["detail"]


async def test_with_less_than_a_day_left_nothing_is_issued(served: Served, tmp_path: Path) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    waits, waiting = await ready(client, "b.demo.test")
    await run(served, STALE)
    assert (await client.finalize(waiting)).json["status"] == "processing"
    await ends(served, tmp_path, utc_now().replace(microsecond=0) + timedelta(hours=23))
    for refused in (await client.order(NAME), await client.finalize(order)):
        assert (refused.status, refused.error, refused.headers["Retry-After"]) == (503, "serverInternal", "3600")
        assert refused.json["detail"] == "Issuance is paused: the CA certificate that would sign yours ends."
    assert await run_jobs(served, "issue") == ["issue"]
    assert ((await status_of(client, url))["status"], (await status_of(client, waits))["status"]) == (
        "ready",
        "processing",  # until its deadline
    )
    assert await count(served, "ca.to_be_signed") == 0


@pytest.mark.parametrize(
    ("start", "end", "refused"),
    [
        pytest.param(END - DAY, None, None, id="a day is left"),
        pytest.param(END - DAY + MICROSECOND, None, ErrorType.SERVER_INTERNAL, id="less than a day is left"),
        pytest.param(END - 2 * DAY, END, None, id="to its last second"),
        pytest.param(END - 2 * DAY, END + SECOND, ErrorType.MALFORMED, id="a second more"),
        pytest.param(END, END + DAY, ErrorType.SERVER_INTERNAL, id="at its end: no fault of the client's"),
    ],
)
def test_how_long_a_ca_lasts(start: datetime, end: datetime | None, refused: ErrorType | None) -> None:
    if refused is None:
        check_issuer_lasts(ISSUER, start, end)
        return
    with pytest.raises(AcmeError) as told:
        check_issuer_lasts(ISSUER, start, end)
    assert told.value.type is refused
