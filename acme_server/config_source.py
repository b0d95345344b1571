"""Where settings come from: a TOML file and `KEIYAKU_SECTION__KEY` variables; what is wrong with them, and where."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin
from urllib.parse import urlsplit

import msgspec

PREFIX = "KEIYAKU_"
OTHER_VARIABLES = frozenset({"KEIYAKU_PG_BIN", "KEIYAKU_MIGRATE_DSN"})  # dev/pg_binaries.py, __main__.py
MAX_BYTES = 1024 * 1024
DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
RATE_SPAN = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d)")
ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):([0-9]{1,5})")
KEY_LINE = re.compile(r"\s*([\w.\"' -]+?)\s*=")
HEADER_LINE = re.compile(r"\s*\[\s*([\w.\"' -]+?)\s*\]\s*(#.*)?$")

Url = NewType("Url", str)


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the settings file."""


class Address(msgspec.Struct, frozen=True):
    """Where to listen or whom to ask. Written `host:port`, `[::1]:port`; port 0 listens on any free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether no other machine can be meant."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Rate(msgspec.Struct, frozen=True):
    """How often something may happen: a number at once, which comes back over the span. `300/3h`; 0: no limit."""

    number: int
    span: timedelta


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong with the settings: where (file and line, or variable), which key, why and what to do."""

    where: str
    key: str
    reason: str


class SettingsRefused(Exception):
    """The program does not start. Its text lists every fault, a line each."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{fault.where}: {fault.key}: {fault.reason}" for fault in self.faults))


class Given(msgspec.Struct, frozen=True):
    """A value as somebody wrote it, and where."""

    where: str
    raw: object


def known_keys(settings: type[msgspec.Struct]) -> dict[str, Any]:
    """Every key of `settings` as `section.key`, with its type."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        if isinstance(field.type, type) and issubclass(field.type, Section):
            found |= {f"{field.name}.{inner.name}": inner.type for inner in msgspec.structs.fields(field.type)}
        else:
            found[field.name] = field.type
    return found


def from_file(path: Path, keys: Mapping[str, Any]) -> tuple[dict[str, Given], list[Fault]]:
    """What the file gives, by key, and the keys in it that do not exist."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1).decode()
        if len(text) > MAX_BYTES:
            return {}, [Fault(str(path), "(file)", f"larger than {MAX_BYTES} bytes")]
        document = tomllib.loads(text)
    except OSError as error:
        return {}, [Fault(str(path), "(file)", f"cannot be read: {error.strerror}")]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return {}, [Fault(str(path), "(file)", f"is not TOML: {error}")]
    except RecursionError:
        return {}, [Fault(str(path), "(file)", "has arrays or tables too deep in each other")]
    lines = lines_of(text)
    found, faults = {}, []
    for key, raw in flatten(document, {key.partition(".")[0] for key in keys if "." in key}):
        where = f"{path}:{line_of(key, lines)}"
        if key in keys:
            found[key] = Given(where, raw)
        else:
            faults.append(Fault(where, key, unknown(key, keys)))
    return found, faults


def flatten(document: Mapping[str, object], sections: set[str]) -> Iterator[tuple[str, object]]:
    """Keys as `section.key` with their values; what should be a table and is not comes under its own name."""
    for name, value in document.items():
        if isinstance(value, dict) and (name in sections or value):
            yield from ((f"{name}.{inner}", raw) for inner, raw in value.items())
        else:
            yield name, value


def lines_of(text: str) -> dict[str, int]:
    """Line numbers of keys and tables, as `section` and `section.key`."""
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER_LINE.match(line):
            section = plain(header[1]) + "."
            found.setdefault(section[:-1], number)
        elif pair := KEY_LINE.match(line):
            found.setdefault(section + plain(pair[1]), number)
    return found


def plain(key: str) -> str:
    """A dotted key without quotes and spaces."""
    return ".".join(part.strip(" \"'") for part in key.split("."))


def line_of(key: str, lines: Mapping[str, int]) -> int:
    """The line of `key`, else of the table around it."""
    return lines.get(key) or lines.get(key.rpartition(".")[0]) or 1


def from_environment(environ: Mapping[str, str], keys: Mapping[str, Any]) -> tuple[dict[str, Given], list[Fault]]:
    """What variables give, by key, and the variables of ours that name no key."""
    found, faults = {}, []
    names = {variable_of(key): key for key in keys}
    for name in sorted(environ):
        if key := names.get(name):
            found[key] = Given(name, from_text(keys[key], environ[name]))
        elif name.startswith(PREFIX) and name not in OTHER_VARIABLES:
            faults.append(Fault("environment", name, unknown(name, names)))
    return found, faults


def variable_of(key: str) -> str:
    """The environment variable that overrides `key`."""
    return PREFIX + key.upper().replace(".", "__")


def unknown(key: str, keys: Mapping[str, Any]) -> str:
    """That there is no such key, and the nearest one there is."""
    if any(known.startswith(f"{key}.") for known in keys):
        return f"is a table: write [{key}]"
    last = re.split(r"\.|__", key)[-1]
    near = difflib.get_close_matches(key, keys, n=1, cutoff=0.75) or [k for k in keys if k.endswith(last)]
    near = near or difflib.get_close_matches(key, keys, n=1)
    return f"unknown key; did you mean {near[0]}?" if near else "unknown key"


def from_text(kind: Any, text: str) -> object:
    """What the file would hold, had `text` been written there: lists are parted by commas."""
    if kind is bool and text in ("true", "false"):
        return text == "true"
    if kind is int and text.isascii() and text.isdecimal():
        return int(text)
    if get_origin(kind) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def convert(kind: Any, raw: object) -> object:
    """`raw` as a value of `kind`. Raises ValueError that says what was expected."""
    if get_origin(kind) in (Union, UnionType):
        return convert_union(get_args(kind), raw)
    if get_origin(kind) is Literal:
        if raw not in get_args(kind):
            raise ValueError(f"expected {' or '.join(map(repr, get_args(kind)))}, not {raw!r}")
        return raw
    if get_origin(kind) is tuple:
        if not isinstance(raw, list) or not all(isinstance(item, str) and item for item in raw):
            raise ValueError(f"expected a list of texts, not {raw!r}")
        return tuple(raw)
    if kind in (bool, int):
        if type(raw) is not kind:
            raise ValueError(f"expected {'true or false' if kind is bool else 'a whole number'}, not {raw!r}")
        return raw
    if not isinstance(raw, str):
        raise ValueError(f"expected a text, not {raw!r}")
    return convert_text(kind, raw)


def convert_union(kinds: tuple[Any, ...], raw: object) -> object:
    """An empty text is None where None is allowed; a fixed word is itself; else the first kind decides."""
    if NoneType in kinds and raw == "":
        return None
    for kind in kinds:
        if get_origin(kind) is Literal and raw in get_args(kind):
            return raw
    return convert(kinds[0], raw)


def convert_text(kind: Any, raw: str) -> object:
    """A text as `kind`: itself, a path, a duration, an address or a URL."""
    if kind is timedelta:
        if not (match := DURATION.fullmatch(raw)):
            raise ValueError(f"expected a duration such as '30s', '10m', '200ms' or '30d', not {raw!r}")
        return timedelta(**{UNITS[match[2]]: int(match[1])})
    if kind is Address:
        if not (match := ADDRESS.fullmatch(raw)) or int(match[2]) > 65535:
            raise ValueError(f"expected host:port such as '127.0.0.1:14000', not {raw!r}")
        return Address(match[1].strip("[]"), int(match[2]))
    if kind is Rate:
        return rate(raw)
    if kind is Url:
        return url(raw)
    if kind is Path:
        if not raw or "\0" in raw:
            raise ValueError("expected a path, not an empty text")
        return Path(raw)
    return raw


def rate(raw: str) -> Rate:
    """A number a duration, such as 300/3h; 0 is no limit."""
    number, _, span = raw.partition("/")
    match = RATE_SPAN.fullmatch(span or "1h")
    if not re.fullmatch("[0-9]{1,7}", number) or not match or (int(number) > 0 and not span):
        raise ValueError(f"expected a rate such as '300/3h', or '0' for no limit, not {raw!r}")
    return Rate(int(number), timedelta(**{UNITS[match[2]]: int(match[1])}))


def url(raw: str) -> Url:
    """An absolute http or https URL with a host and no slash at its end."""
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname or not raw.isascii() or " " in raw:
        raise ValueError(f"expected a URL such as 'https://acme.example.jp', not {raw!r}")
    if raw.endswith("/"):
        raise ValueError(f"expected no slash at the end of {raw!r}")
    return Url(raw)
