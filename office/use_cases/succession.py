"""What the ceremony of one more issuing CA is to make: below which root, under which number (`ceremony`)."""

from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from ca import storage as ca
from ca.ceremony import Script, Successor
from ca.certificate import Issuer
from ca.hierarchy import Names
from office.use_cases.asked import Unfit, one_of
from sql import Conn


class Wanted(msgspec.Struct, frozen=True):
    """As the command was given it. Without `root` it is the first there is; without others they are the root's."""

    issuing: str
    root: str | None
    country: str | None
    organization: str | None
    status_url: str
    shard_count: int
    issues_from: datetime | None


async def script_of(conn: Conn, wanted: Wanted, root_place: str, issuing_place: str) -> Script:
    """The script; the same one again while its ceremony is under way and when it is over. Raises Unfit."""
    root = await root_of(conn, wanted.root)
    country, organization = of_subject(root)
    names = Names(
        wanted.country or country, wanted.organization or organization, root.name, wanted.issuing, wanted.status_url
    )
    number = await ca.number_for(conn, wanted.issuing)
    successor = Successor(number, root.id, root.status_url, wanted.issues_from)
    return Script(names, wanted.shard_count, root_place, issuing_place, successor)


async def root_of(conn: Conn, name: str | None) -> Issuer:
    """The root of this name, else the first. Raises Unfit."""
    found = {each.name: each for each in await ca.roots(conn)}
    if not found:
        raise Unfit("there is no root yet: hold the first ceremony")
    return found[one_of("root", name or next(iter(found)), tuple(found))]


def of_subject(root: Issuer) -> tuple[str, str]:
    """Country and organisation."""
    subject = x509.load_der_x509_certificate(root.certificate).subject
    country, organization = (
        subject.get_attributes_for_oid(each)[0].value for each in (NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME)
    )
    return str(country), str(organization)
