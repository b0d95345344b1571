"""Bundles on disk: a folder, or a zip when the name ends so."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

MOST_PARTS, MOST_OCTETS = 1000, 256 * 2**20
ZIP = ".zip"


class BundleUnusable(Exception):
    """This is no bundle, or it cannot be written there; says why."""


def write(path: Path, parts: Mapping[str, bytes]) -> None:
    """The parts are in a new folder or zip. Raises BundleUnusable rather than replace anything."""
    try:
        if path.suffix == ZIP:
            with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as file:
                for name, content in sorted(parts.items()):
                    file.writestr(name, content)
            return
        path.mkdir()
        for name, content in parts.items():
            (path / name).write_bytes(content)
    except OSError as fault:
        raise BundleUnusable(f"nothing is written to {path}: {fault.strerror}") from None


def read(path: Path) -> dict[str, bytes]:
    """The parts in the folder or zip. Raises BundleUnusable."""
    try:
        return read_folder(path) if path.is_dir() else read_zip(path)
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as fault:
        raise BundleUnusable(f"{path} is no bundle: {fault}") from None


def read_folder(path: Path) -> dict[str, bytes]:
    """Its files; what lies deeper is none of a bundle's."""
    files = [each for each in path.iterdir() if each.is_file()]
    within(len(files), sum(each.stat().st_size for each in files))
    return {each.name: each.read_bytes() for each in files}


def read_zip(path: Path) -> dict[str, bytes]:
    """Its members."""
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
        within(len(members), sum(each.file_size for each in members))
        return {each.filename: file.read(each) for each in members}


def within(parts: int, octets: int) -> None:
    """Raises BundleUnusable for more than a bundle ever holds."""
    if parts > MOST_PARTS or octets > MOST_OCTETS:
        raise BundleUnusable(f"{parts} parts of {octets} octets are more than a bundle holds")
