"""Pages for people in a real browser: what they show, what their button does, how they print."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import asyncpg
import pytest
from acme import client, errors, messages

from tests.acceptance import browser
from tests.acceptance.browser import Browser
from tests.acceptance.clients import run
from tests.acceptance.contracts import FIRST, SECOND, make_contract, new_key
from tests.acceptance.dev import Dev
from tests.acceptance.library import certificate, registered, request_for

NAME = "paused.demo.test"
NEARLY_PAUSED = """UPDATE acme.failures SET consecutive = 9999, first_failed_at = first_failed_at - interval '4 days'
    WHERE name = $1"""
ISSUER = ("株式会社サンプル認証局", "東京都千代田区丸の内一丁目1番1号", "T7000012050002")
BANK = ("例示銀行", "丸の内支店", "普通 1234567", "ｶ)ｻﾝﾌﾟﾙ")
INTO = ("--bank", "0001", "--branch", "001", "--kind", "1", "--number", "1234567", "--bank-name", BANK[0],
        "--branch-name", BANK[1], "--holder", BANK[3])  # fmt: skip
PHONE = 360
ONE_OF_EACH = "['html[lang]', 'main', 'h1', 'title'].map(each => document.querySelectorAll(each).length)"
COLOURS = "['body', 'h1', 'p'].map(each => getComputedStyle(document.querySelector(each)).color)"


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Browser]:
    """A browser that has seen nothing."""
    async with browser.running(tmp_path / "profile") as made:
        yield made


@contextmanager
def empty_site(port: int, folder: Path) -> Iterator[None]:
    """A web server that has no file at all."""
    with ThreadingHTTPServer(("", port), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        serving = Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield
        server.shutdown()
        serving.join()


def fail(made: client.ClientV2) -> None:
    """An order whose challenge fails."""
    order = made.new_order(request_for([NAME]))
    challenge = next(each for each in order.authorizations[0].body.challenges if each.chall.typ == "http-01")
    made.answer_challenge(challenge, challenge.chall.response(made.net.key))
    with pytest.raises(errors.ValidationError):
        made.poll_and_finalize(order)


async def pause(dev: Dev, made: client.ClientV2, folder: Path) -> str:
    """The account has failed for days; the address that its next order is told."""
    with empty_site(dev.ports["http"], folder):
        fail(made)
        conn = await asyncpg.connect(dev.owner_dsn)
        assert await conn.execute(NEARLY_PAUSED, NAME) == "UPDATE 1"
        await conn.close()
        fail(made)
    with pytest.raises(messages.Error) as refused:
        made.new_order(request_for([NAME]))
    return next(word for word in str(refused.value.detail).split() if word.startswith("http"))


@pytest.mark.std("A-060")
async def test_who_follows_the_link_and_presses_the_button_gets_the_certificate(
    dev: Dev, tab: Browser, tmp_path: Path
) -> None:
    made = registered(dev)
    link = await pause(dev, made, tmp_path)
    await tab.open(link, script=False)
    assert f"{NAME} の検証が続けて失敗したため" in await tab.text()
    await tab.key("Tab", 9)
    assert await tab.of("document.activeElement.innerText") == "再開する / Resume"
    await tab.press("button")
    assert "再開済み" in await tab.text("h1")
    assert "Run your ACME client again." in await tab.text()
    assert tab.complaints() == []
    assert certificate(made, dev, NAME)


async def test_every_page_is_whole_on_a_phone_by_day_and_by_night(dev: Dev, tab: Browser) -> None:
    await tab.wide(PHONE)
    for path in ("/supported", "/report", "/terms", f"/help/{help_page(dev)}"):
        await tab.open(dev.url("office", path))
        assert await tab.of(ONE_OF_EACH) == [1, 1, 1, 1], path
        assert await tab.of("document.documentElement.scrollWidth") == PHONE, path
        assert tab.complaints() == [], path
        by_day = await tab.of(COLOURS)
        await tab.night(True)
        assert not set(by_day) & set(await tab.of(COLOURS)), path
        await tab.night(False)


def help_page(dev: Dev) -> str:
    """The token of a page that a refusal leads to."""
    with pytest.raises(messages.Error) as refused:
        registered(dev, binding=dev.overdue_key).new_order(request_for(["www.overdue.test"]))
    return str(refused.value.detail).rpartition("/")[2]


@pytest.mark.rule("T8-3", "T8-10")
async def test_an_invoice_prints_on_one_page_of_a4_with_all_that_it_must_name(
    dev: Dev, tab: Browser, tmp_path: Path
) -> None:
    bill, token = await asyncio.to_thread(billed, dev)  # commands have a loop of their own
    page = dev.url("office", f"/api/invoices/{bill['number']}/page")
    await tab.open(page, {"Authorization": f"Bearer {token}"}, script=False)
    assert await tab.of("getComputedStyle(document.querySelector('table')).borderCollapse") == "collapse"
    assert tab.complaints() == []
    (tmp_path / "paper.pdf").write_bytes(await tab.printed())
    facts = run(["pdfinfo", "paper.pdf"], tmp_path).stdout
    assert "(A4)" in facts
    assert facts.split("Pages:")[1].split()[0] == "1"
    text = " ".join(run(["pdftotext", "-layout", "paper.pdf", "-"], tmp_path).stdout.split())
    due = date.fromisoformat(bill["due_on"])
    named = (bill["number"], f"{due.year}年{due.month}月{due.day}日", f"{due}", "60,500 円", *ISSUER, *BANK)
    for told in (*named, "適格請求書", "御中", "10 % 対象", "55,000 円", "5,500 円", "paper"):
        assert told in text, (told, text)


def billed(dev: Dev) -> tuple[dict[str, str], str]:
    """The invoice of a contract whose first certificate was issued just now, and an officer's token."""
    dev.keiyaku("invoice seller", *ISSUER, *INTO, "--by", FIRST, "--and", SECOND)
    make_contract(dev, "paper", "paper.test")
    assert certificate(registered(dev, binding=new_key(dev, "paper")), dev, "www.paper.test")
    [bill] = dev.keiyaku_json("invoice list paper")
    return bill, dev.keiyaku_json(f"token new {FIRST} --role officer --by {FIRST} --and {SECOND}")["token"]
