"""An ACME client of our own for tests: every part of a request can be made wrong, one at a time."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse, ClientSession
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

Json = dict[str, Any]
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
CURVES = {"secp256r1": ("P-256", "ES256", hashes.SHA256()), "secp384r1": ("P-384", "ES384", hashes.SHA384()),
          "secp521r1": ("P-521", "ES512", hashes.SHA512())}  # fmt: skip
LEAVE_OUT = object()


def b64(octets: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """What base64url without padding stands for."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def number(value: int, size: int) -> str:
    """A coordinate or modulus as JWK writes it."""
    return b64(value.to_bytes(size, "big"))


def jwk(key: Key) -> Json:
    """The public JWK."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": b64(key.public_key().public_bytes_raw())}
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"e": number(numbers.e, 3), "kty": "RSA", "n": number(numbers.n, key.key_size // 8)}
    point, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
    return {"crv": CURVES[key.curve.name][0], "kty": "EC", "x": number(point.x, size), "y": number(point.y, size)}


def thumbprint(key: Key) -> str:
    """RFC 7638, base64url."""
    return b64(hashlib.sha256(json.dumps(jwk(key), sort_keys=True, separators=(",", ":")).encode()).digest())


def alg_of(key: Key) -> str:
    """The JWS alg that goes with the key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    return "RS256" if isinstance(key, rsa.RSAPrivateKey) else CURVES[key.curve.name][1]


def signature(key: Key, message: bytes) -> bytes:
    """The JWS signature of the message."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(CURVES[key.curve.name][2])))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def jws(key: Key, payload: Json | str | bytes | None, protected: Mapping[str, Any]) -> Json:
    """A flattened JWS. Payload None or "" is POST-as-GET. A protected member LEAVE_OUT is left out."""
    header = {name: value for name, value in protected.items() if value is not LEAVE_OUT}
    first = b64(json.dumps(header).encode())
    octets = (
        payload
        if isinstance(payload, bytes)
        else (json.dumps(payload) if isinstance(payload, dict) else payload or "").encode()
    )
    second = b64(octets)
    return {"protected": first, "payload": second, "signature": b64(signature(key, f"{first}.{second}".encode()))}


def binding(key: Key, kid: str, hmac_key: str, url: str, /, **changes: Any) -> Json:
    """An external account binding of the key. `changes` replace or add protected members."""
    first = b64(json.dumps({"alg": "HS256", "kid": kid, "url": url} | changes).encode())
    second = b64(json.dumps(jwk(key)).encode())
    mac = hmac.digest(unb64(hmac_key), f"{first}.{second}".encode(), "sha256")
    return {"protected": first, "payload": second, "signature": b64(mac)}


def csr(key: Key, names: list[str], common_name: str | None = None) -> bytes:
    """A DER CSR for the names, addresses as iPAddress."""
    from ipaddress import ip_address

    def entry(name: str) -> x509.GeneralName:
        try:
            return x509.IPAddress(ip_address(name))
        except ValueError:
            return x509.DNSName(name)

    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)] if common_name else [])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([entry(name) for name in names]), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)


@dataclass
class Answer:
    """An HTTP answer, read whole."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The problem type without its URN, after checking that this is a problem document."""
        assert self.headers["Content-Type"] == "application/problem+json", (self.status, self.headers, self.body)
        assert self.json["detail"]
        assert self.json["status"] == self.status  # some clients print this member, and 0 without it
        prefix, _, last = self.json["type"].rpartition(":")
        assert prefix == "urn:ietf:params:acme:error"
        return last

    def links(self, rel: str) -> list[str]:
        """URLs of the Link headers of that relation."""
        return [link[1 : link.index(">")] for link in self.headers.getall("Link", []) if f'rel="{rel}"' in link]


@dataclass
class Client:
    """One account key against one server. `base` is the published URL, `reach` where requests really go."""

    session: ClientSession
    base: str
    reach: str
    key: Key = field(default_factory=new_key)
    kid: str | None = None
    nonce: str | None = None

    def url(self, path: str) -> str:
        """A published URL."""
        return path if path.startswith("http") else self.base + path

    async def send(self, method: str, url: str, data: bytes | None = None, **headers: str) -> Answer:
        """The request as it stands; the answer's nonce is kept."""
        target = self.url(url).replace(self.base, self.reach, 1)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, target, data=data, headers=sent, allow_redirects=False) as response:
            return self.keep(await answer(response))

    def keep(self, found: Answer) -> Answer:
        """The answer, its nonce kept for the next request."""
        self.nonce = found.headers.get("Replay-Nonce", self.nonce)
        return found

    async def fresh_nonce(self) -> str:
        """A nonce nobody has used."""
        if self.nonce is None:
            await self.send("HEAD", "/new-nonce")
        nonce, self.nonce = self.nonce, None
        assert nonce is not None
        return nonce

    async def protected(self, url: str, /, **changes: Any) -> Json:
        """The protected header of a right request, with `changes`."""
        header: Json = {"alg": alg_of(self.key), "url": self.url(url)}
        if "nonce" not in changes:
            header["nonce"] = await self.fresh_nonce()
        header |= {"kid": self.kid} if self.kid else {"jwk": jwk(self.key)}
        return header | changes

    async def post(
        self, url: str, /, payload: Json | str | bytes | None = None, key: Key | None = None, **changes: Any
    ) -> Answer:
        """A signed POST; `changes` replace members of the protected header (LEAVE_OUT removes one)."""
        header = await self.protected(url, **changes)
        return await self.post_body(url, jws(key or self.key, payload, header))

    async def post_body(self, url: str, body: Any, content_type: str = "application/jose+json") -> Answer:
        """Any body at all as a POST."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.send("POST", url, data, Content_Type=content_type)

    async def register(self, eab: tuple[str, str] | None = None, **payload: Any) -> Answer:
        """newAccount with this client's key; the kid is kept when there is an account."""
        wanted: Json = {"termsOfServiceAgreed": True} | payload
        if eab:
            wanted["externalAccountBinding"] = binding(self.key, *eab, self.url("/new-account"))
        found = await self.post("/new-account", wanted, jwk=jwk(self.key), kid=LEAVE_OUT)
        if found.status in (200, 201):
            self.kid = found.headers["Location"]
        return found

    async def order(self, *names: str, **members: Any) -> Answer:
        """newOrder for the names."""
        identifiers = [{"type": "ip" if is_address(name) else "dns", "value": name} for name in names]
        return await self.post("/new-order", {"identifiers": identifiers} | members)

    async def fulfil(self, order: Json, challenge_type: str = "http-01") -> None:
        """Every pending authorization of the order is answered by the challenge type, or dns-01 for a wildcard."""
        for url in order["authorizations"]:
            found = (await self.post(url)).json
            if found["status"] != "pending":
                continue
            offered = {challenge["type"]: challenge for challenge in found["challenges"]}
            challenge = offered.get(challenge_type) or offered["dns-01"]
            await self.post(challenge["url"], {})

    async def ready(self, *names: str, **members: Any) -> tuple[str, Json]:
        """A ready order: its URL and document."""
        placed = await self.order(*names, **members)
        assert placed.status == 201, placed.body
        await self.fulfil(placed.json)
        url = placed.headers["Location"]
        return url, (await self.post(url)).json

    async def finalize(self, order: Json, key: Key | None = None, names: list[str] | None = None) -> Answer:
        """finalize with a CSR for the order's names, or for others."""
        wanted = names if names is not None else [each["value"] for each in order["identifiers"]]
        return await self.post(order["finalize"], {"csr": b64(csr(key or new_key(), wanted))})

    async def certificate(self, *names: str, key: Key | None = None, **members: Any) -> bytes:
        """A certificate for the names, all the way: its chain in PEM."""
        url, order = await self.ready(*names, **members)
        done = await self.finalize(order, key)
        assert done.status == 200, done.body
        document = done.json
        for _ in range(100):
            if document["status"] != "processing":
                break
            document = (await self.post(url)).json
        assert document["status"] == "valid", document
        return (await self.post(document["certificate"])).body

    def another(self) -> "Client":
        """A client with a key of its own against the same server."""
        return Client(self.session, self.base, self.reach)


async def answer(response: ClientResponse) -> Answer:
    """The response, read whole."""
    return Answer(response.status, response.headers, await response.read())


def is_address(name: str) -> bool:
    """Whether the name is an IP address."""
    return name.replace(".", "").isdigit() or ":" in name


def leaf(pem: bytes) -> x509.Certificate:
    """The end-entity certificate of a chain."""
    return x509.load_pem_x509_certificate(pem)


def der(certificate: x509.Certificate) -> str:
    """base64url of a certificate's DER, as revokeCert wants it."""
    return b64(certificate.public_bytes(Encoding.DER))
