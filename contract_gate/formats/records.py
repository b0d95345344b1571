"""A stream of bytes becomes records of 200 bytes, bare or with CR LF behind each (business-formats §1.1)."""

from collections.abc import Iterator
from typing import BinaryIO

from contract_gate.formats.layout import LENGTH
from contract_gate.formats.receipt import BadFile

CR_LF = b"\r\n"
ENDS = (b"", CR_LF)
END_OF_FILE = b"\x1a"
AT_ONCE = 1024  # records
EBCDIC_ONE = 0xF1


def records(stream: BinaryIO) -> Iterator[bytes]:
    """Each record without its line end. The last CR LF may be missing; one 0x1A may follow. Raises BadFile."""
    head = stream.read(LENGTH + len(CR_LF))
    step = _length(head)
    number, left = 0, head + stream.read(step * AT_ONCE - len(head))
    while left:
        block, left = left[: len(left) - len(left) % step], left[len(left) - len(left) % step :]
        for at in range(0, len(block), step):
            number += 1
            yield _record(block[at : at + step], number)
        more = stream.read(step * AT_ONCE - len(left))
        if not more:
            break
        left += more
    yield from _rest(left, number, step)


def _record(raw: bytes, number: int) -> bytes:
    """The record of its bytes and, where there is one, its line end."""
    if raw[LENGTH:] not in ENDS:
        at = LENGTH if raw[LENGTH] != CR_LF[0] else LENGTH + 1
        reason = f"0x{raw[at]:02X} where 0x{CR_LF[at - LENGTH]:02X} must be"
        raise BadFile(number, at + 1, "line end", reason)
    return raw[:LENGTH]


def _rest(left: bytes, number: int, step: int) -> Iterator[bytes]:
    """What is shorter than a record: the last one without CR LF, and the mark of the end."""
    if len(left) % step == LENGTH or len(left) % step == LENGTH + 1:
        last, left = left[:LENGTH], left[LENGTH:]
        number += 1
        yield last
    if left not in (b"", END_OF_FILE):
        reason = f"{len(left)} bytes remain: records have {step} bytes here"
        raise BadFile(number + 1, 1, "record length", reason)


def _length(head: bytes) -> int:
    """200 or 202. Raises BadFile for anything else."""
    if head and head[0] == EBCDIC_ONE:
        raise BadFile(1, 1, "コード区分", "the file is in EBCDIC: have the bank send JIS (code set 0)")
    if len(head) < LENGTH:
        raise BadFile(1, 1, "record length", f"the file has {len(head)} bytes: records have 200, or 202 with CR LF")
    for octet in CR_LF:
        if (at := head[:LENGTH].find(octet)) >= 0:
            raise BadFile(
                1, at + 1, "record length", "a line end inside 200 bytes: records have 200, or 202 with CR LF"
            )
    ends = head[LENGTH : LENGTH + 1] == CR_LF[:1] or head[LENGTH + 1 :] == CR_LF[1:]
    return LENGTH + len(CR_LF) if ends else LENGTH
