"""Where the signer's keys are: in a token or in files, one an issuing CA, called after its number (design §8)."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import asyncpg
import structlog

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.database import CONNECT_TIMEOUT, dsn_of, within
from ca import hierarchy, keys
from ca import storage as ca
from ca.issuers import Issuing, active_issuer, served
from ca.keyring import Keyring
from sql import SERVER_SETTINGS
from sql.away import DATABASE_FAULTS

LOG = structlog.get_logger(__name__)


def opener(settings: Settings) -> Callable[[int], keys.SigningKey]:
    """Opens the key of an issuing CA, by its number. Raises KeyUnusable, also at once when the token lets nobody in."""
    if settings.pkcs11.module is not None and settings.ca.keys == "pkcs11":
        from ca import pkcs11_keys  # the module is loaded here: in the signer, after every fork

        pin_file = within(settings, settings.pkcs11.pin_file)
        place = pkcs11_keys.Place(settings.pkcs11.module, settings.pkcs11.token, pin_file)
        login = pkcs11_keys.Login(place)
        login.enter()
        return lambda number: pkcs11_keys.TokenKey(place, hierarchy.key_label(number), login=login)
    folder, passphrase = within(settings, settings.ca.folder), within(settings, settings.ca.passphrase_file)
    secret = passphrase.read_bytes().strip()
    return lambda number: keys.load(hierarchy.key_file(folder, number), secret)


async def keyring(settings: Settings) -> Keyring:
    """The signer's keys, as far as they are here: of each issuing CA that issues, will, or still makes CRLs.

    Raises KeyUnusable without that of the one that issues. While the database is away none is open yet.
    """
    held, now = Keyring(opener(settings)), utc_now()
    try:
        found = await issuing(settings)
    except (*DATABASE_FAULTS, TimeoutError) as fault:
        LOG.warning("database_away", sweep="keys", reason=type(fault).__name__)
    else:
        await asyncio.to_thread(open_all, held, found, now)
    return held


async def issuing(settings: Settings) -> list[Issuing]:
    """Every issuing CA, as the signer's role sees them."""
    conn = await asyncpg.connect(dsn_of(settings, "sign"), timeout=CONNECT_TIMEOUT, server_settings=SERVER_SETTINGS)
    try:
        return await ca.issuing(conn)
    finally:
        await conn.close()


def open_all(held: Keyring, found: Sequence[Issuing], now: datetime) -> None:
    """Each key is open that can be. Raises KeyUnusable when that of the issuing CA whose time it is cannot."""
    if active := active_issuer(found, now):
        held.need(active.issuer.id)
    for number in served(found, now):
        held.get(number)
