"""Secrets in files of their own: one text, or an access key of two lines."""

from pathlib import Path

MOST = 4096


class TextUnfit(ValueError):
    """The file does not hold what it should; says which and why."""


def secret(path: Path) -> str:
    """The one text in the file, without what is around it. Raises TextUnfit."""
    text = text_of(path)
    if not text or not text.isprintable():
        raise TextUnfit(f"{path}: must hold one line of text")
    return text


def access_key(path: Path) -> tuple[str, str]:
    """A line with the key's id and one with its secret. Raises TextUnfit."""
    words = text_of(path).split()
    if len(words) != 2:
        raise TextUnfit(f"{path}: must hold a line with the access key's id and a line with its secret")
    return words[0], words[1]


def text_of(path: Path) -> str:
    """What the file holds, of bounded length. Raises TextUnfit."""
    try:
        with path.open("rb") as file:
            octets = file.read(MOST + 1)
        if len(octets) > MOST:
            raise TextUnfit(f"{path}: is longer than {MOST} octets")
        return octets.decode().strip()
    except OSError as fault:
        raise TextUnfit(f"{path}: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise TextUnfit(f"{path}: is no text in UTF-8") from None
