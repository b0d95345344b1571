"""What a GET, a POST-as-GET and a stranger get at each resource. RFC 8555 §6.3, §7.1; A-032 to A-039, A-189."""

import pytest

from tests.acme_server.client import Client, Json, b64, csr, new_key
from tests.acme_server.conftest import Served

NIL = "00000000-0000-0000-0000-000000000000"
POST_ONLY = (
    "/new-account",
    "/key-change",
    "/new-order",
    "/revoke-cert",
    f"/account/{NIL}",
    f"/account/{NIL}/orders",
    f"/order/{NIL}",
    f"/order/{NIL}/finalize",
    f"/authorization/{NIL}",
    f"/challenge/{NIL}/http-01",
    f"/certificate/{NIL}",
    f"/certificate/{NIL}/1",
)


async def owned(client: Client) -> Json:
    """URLs of one object of each kind, all the client's: an issued order, and a pending one with its challenges."""
    url, order = await client.ready("www.demo.test")
    await client.finalize(order)
    issued = (await client.post(url)).json
    pending = await client.order("other.demo.test")
    authorization = pending.json["authorizations"][0]
    return {
        "account": client.kid,
        "orders": f"{client.kid}/orders",
        "order": pending.headers["Location"],
        "finalize": pending.json["finalize"],
        "authorization": authorization,
        "challenge": (await client.post(authorization)).json["challenges"][0]["url"],
        "certificate": issued["certificate"],
    }


@pytest.mark.std("A-032", "A-033")
async def test_a_get_of_what_is_only_posted_to_is_405_and_says_what_is_allowed(served: Served) -> None:
    client = served.client()
    for path in POST_ONLY:
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
            refused = await client.send(method, path)
            assert refused.status == 405, (method, path)
            assert refused.headers["Allow"] == "POST"
            assert refused.links("index")
        assert (await client.send("GET", path)).error == "malformed"
        assert (await client.send("POST", path)).status == 415  # it is there
    for path, allowed in (("/dir", "GET,HEAD,POST"), ("/new-nonce", "GET,HEAD,POST"), ("/renewal-info/x", "GET,HEAD")):
        assert (await client.send("PUT", path)).headers["Allow"] == allowed


@pytest.mark.std("A-039")
async def test_what_is_not_there_is_404(served: Served) -> None:
    client = await served.registered()
    paths = [
        "/",
        "/dir/",
        "/no-such",
        "/order",
        f"/order/{NIL}/",
        "/certificate",
        "/order/%00",
        f"/certificate/{NIL}/0",
    ]
    for path in paths:
        absent = await client.send("GET", path)
        assert (absent.status, absent.error) == (405 if path == "/order/%00" else 404, "malformed"), path
    objects = (f"/order/{NIL}", f"/authorization/{NIL}", f"/challenge/{NIL}/http-01", f"/certificate/{NIL}",
               "/order/x", "/order/%00", f"/challenge/{NIL}/%00")  # fmt: skip
    for path in [*paths, *objects]:
        absent = await client.post(path)
        assert (absent.status, absent.error) == (404, "malformed"), path
        assert absent.links("index")
    for type in ("%00", "http-02", ""):
        assert (await client.post(f"/challenge/{NIL}/{type}", {})).status == 404
    assert (await client.send("POST", "/renewal-info/x")).status == 415
    assert (await client.post("/renewal-info/x")).headers["Allow"] == "GET,HEAD"


@pytest.mark.std("A-034", "A-035", "A-036")
async def test_an_empty_payload_reads_and_an_empty_object_does_not(served: Served) -> None:
    client = await served.registered()
    urls = await owned(client)
    for kind, url in urls.items():
        read = await client.post(url)
        expected = 400 if kind == "finalize" else 200
        assert read.status == expected, kind
    assert (await client.post(urls["challenge"])).json["status"] == "pending"
    assert [look for look in served.looks.seen if look[1] == "other.demo.test"] == []
    for kind in ("order", "orders", "authorization", "certificate", "finalize"):
        refused = await client.post(urls[kind], {})
        assert (refused.status, refused.error) == (400, "malformed"), kind
    before = (await client.post(urls["account"])).json
    updated = await client.post(urls["account"], {})
    assert (updated.status, updated.json) == (200, before)
    assert (await client.post(urls["challenge"], {})).json["status"] in ("processing", "valid")
    assert [look for look in served.looks.seen if look[1] == "other.demo.test"] != []


@pytest.mark.std("A-037", "A-068")
async def test_directory_and_new_nonce_answer_a_get_and_a_post_as_get(served: Served) -> None:
    client = await served.registered()
    plain = await client.send("GET", "/directory")
    for path in ("/dir", "/directory"):
        signed = await client.post(path)
        assert (signed.status, signed.json) == (200, plain.json)
        assert (await client.post(path, {})).error == "malformed"
        assert (await client.post(path, None, key=new_key())).error == "malformed"
    assert (await client.send("GET", "/new-nonce")).status == 204
    assert (await client.post("/new-nonce")).status == 200
    assert (await client.post("/new-nonce", {})).error == "malformed"


@pytest.mark.std("A-038", "A-189")
async def test_a_stranger_gets_the_same_answer_for_what_is_and_what_is_not(served: Served) -> None:
    owner, stranger = await served.registered(), await served.registered()
    urls = await owned(owner)
    id = {kind: next(part for part in url.split("/") if part.count("-") == 4) for kind, url in urls.items()}
    request = {"csr": b64(csr(new_key(), ["other.demo.test"]))}
    payloads: dict[str, tuple[Json | None, ...]] = {
        "account": (None, {}, {"status": "deactivated"}, {"contact": ["mailto:evil@demo.test"]}),
        "authorization": (None, {"status": "deactivated"}),
        "challenge": (None, {}),
        "finalize": (request,),
    }
    for kind, url in urls.items():
        before = await owner.post(url)
        for payload in payloads.get(kind, (None,)):
            theirs = await stranger.post(url, payload)
            absent = await stranger.post(url.replace(id[kind], NIL), payload)
            assert theirs.status == (403 if kind in ("account", "orders") else 404), (kind, payload)
            assert (theirs.status, theirs.body) == (absent.status, absent.body), (kind, payload)
            assert theirs.error in ("unauthorized", "malformed")
            assert not any(each in theirs.body.decode() for each in id.values())
        after = await owner.post(url)
        assert (before.status, before.body) == (after.status, after.body), kind
    assert (await owner.post(urls["certificate"])).status == 200


@pytest.mark.std("A-072", "A-073", "A-005")
async def test_links_lead_to_the_directory_and_from_a_challenge_to_its_authorization(served: Served) -> None:
    client = await served.registered()
    index = [client.url("/directory")]
    urls = await owned(client)
    for url in urls.values():
        read = await client.post(url)
        assert read.links("index") == index
        assert read.links("up") == ([urls["authorization"]] if url == urls["challenge"] else [])
        assert read.headers["Access-Control-Allow-Origin"] == "*"
    assert (await client.post(urls["challenge"], {})).links("up") == [urls["authorization"]]
    for path in ("/dir", "/directory"):
        for method in ("GET", "HEAD"):
            assert (await client.send(method, path)).links("index") == []
        assert (await client.post(path)).links("index") == []
    for method, path in (("HEAD", "/new-nonce"), ("GET", "/new-nonce"), ("GET", "/no-such"), ("GET", "/new-order"),
                         ("POST", "/new-order"), ("GET", "/renewal-info/x")):  # fmt: skip
        answer = await client.send(method, path)
        assert answer.links("index") == index
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.std("A-006")
async def test_a_preflight_is_answered_at_every_resource(served: Served) -> None:
    client = served.client()
    for path in ("/directory", "/new-nonce", *POST_ONLY):
        answer = await client.send(
            "OPTIONS", path, Origin="https://app.test", Access_Control_Request_Method="POST",
            Access_Control_Request_Headers="content-type",
        )  # fmt: skip
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type"
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
        assert exposed >= {"Link", "Location", "Replay-Nonce", "Retry-After"}
