"""The reference client library (acme, of certbot's authors) against the running server."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import josepy
from acme import challenges, client, crypto_util, jws, messages, standalone
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from acme_server.protocol.identifiers import is_ip
from tests.acceptance.dev import Dev

CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def new_key(alg: str) -> josepy.JWK:
    """An account key that signs with the algorithm."""
    if alg == "RS256":
        return josepy.JWKRSA(key=rsa.generate_private_key(65537, 2048))
    return josepy.JWKEC(key=ec.generate_private_key(CURVES[alg]))


def connected(dev: Dev, key: josepy.JWK, alg: str) -> client.ClientV2:
    """A client with the key and no account."""
    net = client.ClientNetwork(key, alg=josepy.JWASignature.from_json(alg))
    net.verify_ssl = dev.ca_file
    return client.ClientV2(client.ClientV2.get_directory(dev.directory, net), net)


def registered(dev: Dev, alg: str = "ES256", binding: tuple[str, str] | None = None) -> client.ClientV2:
    """A client with a new account, bound if a binding key is given."""
    made = connected(dev, new_key(alg), alg)
    made.new_account(registration(made, binding))
    return made


def registration(made: client.ClientV2, binding: tuple[str, str] | None) -> messages.NewRegistration:
    """What newAccount takes."""
    eab = None
    if binding:
        eab = messages.ExternalAccountBinding.from_data(made.net.key.public_key(), *binding, made.directory)
    return messages.NewRegistration.from_data(terms_of_service_agreed=True, external_account_binding=eab)


def request_for(names: Sequence[str]) -> bytes:
    """A CSR with a new key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    addresses = [ip_address(name) for name in names if is_ip(name)]
    found: bytes = crypto_util.make_csr(key, [name for name in names if not is_ip(name)], ipaddrs=addresses)
    return found


def certificate(made: client.ClientV2, dev: Dev, *names: str, profile: str | None = None) -> x509.Certificate:
    """A certificate by http-01."""
    order = made.new_order(request_for(names), profile)
    with answering(made, order, dev.ports["http"]):
        done = made.poll_and_finalize(order)
    return x509.load_pem_x509_certificate(done.fullchain_pem.encode())


@contextmanager
def answering(made: client.ClientV2, order: messages.OrderResource, port: int) -> Iterator[None]:
    """The order's http-01 challenges are answered on the port, on IPv4 and IPv6."""
    offered = [body for each in order.authorizations for body in each.body.challenges]
    bodies = [body for body in offered if isinstance(body.chall, challenges.HTTP01)]
    resources = {
        standalone.HTTP01RequestHandler.HTTP01Resource(body.chall, *body.chall.response_and_validation(made.net.key))
        for body in bodies
    }
    server = standalone.HTTP01DualNetworkedServers(("", port), resources)
    server.serve_forever()
    try:
        for body in bodies:
            made.answer_challenge(body, body.chall.response(made.net.key))
        yield
    finally:
        server.shutdown_and_server_close()


def post(made: client.ClientV2, url: str, body: josepy.JSONDeSerializable | None = None) -> Any:
    """The answer to a signed request; without a body POST-as-GET."""
    return made.net.post(url, body, new_nonce_url=made.directory["newNonce"])


def change_key(made: client.ClientV2, new: josepy.JWK, alg: str) -> None:
    """The account has the new key, and the client signs with it (RFC 8555 §7.3.5)."""
    url, account = made.directory["keyChange"], made.net.account
    payload = json.dumps({"account": account.uri, "oldKey": made.net.key.public_key().to_json()})
    inner = jws.JWS.sign(payload.encode(), key=new, alg=josepy.JWASignature.from_json(alg), nonce=None, url=url)
    post(made, url, inner)
    made.net.key, made.net.alg = new, josepy.JWASignature.from_json(alg)
