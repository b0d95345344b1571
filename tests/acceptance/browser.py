"""Chromium without a window, driven over its DevTools protocol: it opens pages, presses buttons and prints."""

import asyncio
import json
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

Json = dict[str, Any]
PATIENCE = 60.0
LISTENING = b"DevTools listening on "
COMMAND = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)  # fmt: skip
CENTRE = """(() => { const box = document.querySelector(%s).getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2] })()"""


@dataclass
class Browser:
    """One tab. `complaints`: what the browser said was wrong with pages, refusals by their own policy among it."""

    socket: ClientWebSocketResponse
    tab: str = ""
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    events: list[Json] = field(default_factory=list)

    async def ask(self, method: str, **params: Any) -> Json:
        """The answer to a command."""
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params, "sessionId": self.tab})
        while (told := await self.told()).get("id") != number:
            self.events.append(told)
        assert "error" not in told, (method, told)
        found: Json = told["result"]
        return found

    async def told(self) -> Json:
        """The next message."""
        found: Json = await self.socket.receive_json(timeout=PATIENCE)
        return found

    async def loaded(self) -> None:
        """The page is there, whole."""
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(await self.told())

    async def open(self, url: str, headers: Mapping[str, str] | None = None, script: bool = True) -> None:
        """The page at the URL, asked for with these headers too; without script nothing of it runs."""
        await self.ask("Network.setExtraHTTPHeaders", headers=dict(headers or {}))
        await self.ask("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        await self.ask("Page.navigate", url=url)
        await self.loaded()

    async def of(self, expression: str) -> Any:
        """What a JavaScript expression is on the page."""
        found = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"]["value"]

    async def text(self, selector: str = "body") -> str:
        """What an element shows."""
        found: str = await self.of(f"document.querySelector({json.dumps(selector)}).innerText")
        return found

    async def press(self, selector: str) -> None:
        """The mouse presses the middle of the element, which leads to another page."""
        x, y = await self.of(CENTRE % json.dumps(selector))
        self.events.clear()
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        await self.loaded()

    async def key(self, name: str, code: int) -> None:
        """A key is pressed."""
        for kind in ("rawKeyDown", "keyUp"):
            await self.ask("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code)

    async def wide(self, pixels: int) -> None:
        """The window is so wide."""
        await self.ask("Emulation.setDeviceMetricsOverride", width=pixels, height=640, deviceScaleFactor=1, mobile=True)

    async def night(self, is_dark: bool) -> None:
        """Whoever looks prefers dark pages, or light ones."""
        wanted = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        await self.ask("Emulation.setEmulatedMedia", features=[wanted])

    async def printed(self) -> bytes:
        """The page as a PDF file, on the paper that it asks for."""
        return b64decode((await self.ask("Page.printToPDF", preferCSSPageSize=True))["data"])

    def complaints(self) -> list[str]:
        """What the browser has against the page."""
        return [event["params"]["entry"]["text"] for event in self.events if event["method"] == "Log.entryAdded"]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Browser]:
    """A browser with an empty profile; afterwards no process of it is left."""
    environ = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    process = await asyncio.create_subprocess_exec(
        *COMMAND, f"--user-data-dir={folder}", "about:blank", stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=environ,
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE), ClientSession() as session:
            socket = await session.ws_connect(await address(process), max_msg_size=2**26)
            yield await tab(socket)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def address(process: Process) -> str:
    """Where it listens, which it says on standard error."""
    assert process.stderr is not None
    async for line in process.stderr:
        if line.startswith(LISTENING):
            return line.removeprefix(LISTENING).decode().strip()
    raise AssertionError("chromium ended before it listened")


async def tab(socket: ClientWebSocketResponse) -> Browser:
    """Its tab, from which events come."""
    await socket.send_json({"id": 0, "method": "Target.getTargets"})
    targets = (await socket.receive_json())["result"]["targetInfos"]
    page = next(each["targetId"] for each in targets if each["type"] == "page")
    await socket.send_json({"id": 0, "method": "Target.attachToTarget", "params": {"targetId": page, "flatten": True}})
    while "result" not in (answer := await socket.receive_json()):
        continue
    made = Browser(socket, answer["result"]["sessionId"])
    for domain in ("Page", "Network", "Log"):
        await made.ask(f"{domain}.enable")
    return made
