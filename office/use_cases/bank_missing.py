"""Which lines an import counts as missing: earlier files showed them, this one does not (T8-5)."""

import hashlib
from datetime import datetime
from pathlib import Path

from contract_gate.formats.receipt import BadFile
from office.storage import bank_files, bank_missing
from office.storage.bank_missing import MissingLine
from office.use_cases.asked import MOST, Unfit
from office.use_cases.bank_import import Progress, Rows
from sql import Conn


async def missing(conn: Conn, path: Path, account: str | None, said: Progress, now: datetime) -> list[MissingLine]:
    """Lines of the file's days that files before it showed and it does not; nothing is kept. Raises Unfit.

    The same before its import and after: a line that is known is stored with the first file that showed it alone.
    """
    rows = Rows(await bank_files.dialects(conn), account, now, said, path.stat().st_size)
    if not rows.dialects:
        raise Unfit("no bank account says how its files look: `keiyaku bank dialect`")
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").digest()
        stream.seek(0)
        try:
            async with conn.transaction():
                await bank_files.stage(conn, rows.of(stream))
                return await bank_missing.missing(conn, rows.periods, sha256, MOST)
        except BadFile as bad:
            raise Unfit(f"{path.name} cannot be read: {bad}") from None
