"""The addresses handed to clients: absolute https URLs on the public host name (A-008, A-043)."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Urls:
    """URLs of our resources. `customer`: the base of the pages for people (T0-1); `issuers`: the CA's own names."""

    base: str
    customer: str
    issuers: tuple[str, ...] = ()

    def account(self, id: UUID) -> str:
        """Also the account's `kid`."""
        return f"{self.base}/account/{id}"

    def order(self, id: UUID) -> str:
        """An order."""
        return f"{self.base}/order/{id}"

    def authorization(self, id: UUID) -> str:
        """An authorization."""
        return f"{self.base}/authorization/{id}"

    def challenge(self, id: UUID, type: str) -> str:
        """A challenge: its authorization and its type."""
        return f"{self.base}/challenge/{id}/{type}"

    def certificate(self, id: UUID, alternate: int = 0) -> str:
        """A certificate with its default chain, or an alternate one."""
        return f"{self.base}/certificate/{id}" + (f"/{alternate}" if alternate else "")

    def help(self, token: str) -> str:
        """The page that explains a refusal of the gate."""
        return f"{self.customer}/help/{token}"
