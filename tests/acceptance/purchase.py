"""A customer's order that goes on through every crash, as a real client's would, and remembers what it was told."""

import itertools
from dataclasses import dataclass, field

from aiohttp import ClientError

from tests.acceptance.crash import Persistent, until
from tests.acme_server.client import Answer, Json, b64, csr, leaf, new_key

numbers = itertools.count(1)


@dataclass
class Purchase:
    """One order from its beginning to its end, and what the client was told on the way."""

    customer: Persistent
    name: str = field(default_factory=lambda: f"k{next(numbers)}.demo.test")
    url: str = ""
    document: Json = field(default_factory=dict)
    key: bytes = b""
    told_valid: list[str] = field(default_factory=list)  # URLs of what the client was told is valid

    async def place(self) -> None:
        """The order exists."""
        placed = await self.customer.post("/new-order", {"identifiers": [{"type": "dns", "value": self.name}]})
        assert placed.status == 201, placed.body
        self.url, self.document = placed.headers["Location"], placed.json
        self.key = csr(new_key(), [self.name])

    async def challenge(self) -> Json:
        """The http-01 challenge as it is."""
        found = (await self.customer.post(self.document["authorizations"][0])).json
        if found["status"] == "valid":
            self.told_valid.append(self.document["authorizations"][0])
        return next(each for each in found["challenges"] if each["type"] == "http-01")

    async def attempt(self, step: str) -> Answer | None:
        """One request that takes the step, not repeated: None when no answer came."""
        target, payload = (await self.challenge())["url"], {}
        if step != "challenge":
            target, payload = self.document["finalize"], {"csr": b64(self.key)}
        try:
            found = await self.customer.client.post(target, payload)
        except (ClientError, OSError):
            return None
        if found.status == 200 and found.json["status"] == "valid":
            self.told_valid.append(target if step == "challenge" else self.url)
        return found

    async def until_final(self) -> str:
        """The order's last status, with the client doing what a client does: read, and do what is left to do."""
        await until(self.is_final, f"{self.name} is valid or invalid")
        return str(self.document["status"])

    async def is_final(self) -> bool:
        """One turn of the client."""
        await self.customer.deployment.let_leases_end()
        self.document = (await self.customer.post(self.url)).json
        match self.document["status"]:
            case "pending":
                challenge = await self.challenge()
                if challenge["status"] == "pending":
                    await self.customer.post(challenge["url"], {})
            case "ready":
                await self.customer.post(self.document["finalize"], {"csr": b64(self.key)})
            case "valid" | "invalid":
                return True
        return False

    async def until_ready(self) -> None:
        """Its authorization is valid."""
        await self.customer.post((await self.challenge())["url"], {})
        await until(self.is_ready, f"{self.name} is ready")

    async def is_ready(self) -> bool:
        """Whether finalize may come."""
        self.document = (await self.customer.post(self.url)).json
        return bool(self.document["status"] == "ready")

    async def holds(self) -> None:
        """What the client was told is so still, and the certificate is the one that is stored."""
        for url in self.told_valid:
            assert (await self.customer.post(url)).json["status"] == "valid", url
        if self.document["status"] == "valid":
            certificate = leaf((await self.customer.post(self.document["certificate"])).body)
            assert certificate.public_key() is not None
            assert f"{self.name}" in str(certificate.extensions)
        else:
            assert self.document["error"]["detail"]
