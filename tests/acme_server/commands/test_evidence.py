"""`keiyaku evidence` where there is nothing yet."""

import stat
from pathlib import Path

from click.testing import CliRunner, Result

from acme_server import evidence_key
from acme_server.__main__ import main


def run(folder: Path, line: str) -> Result:
    """The command, with its data in the folder."""
    return CliRunner().invoke(main, line.split(), env={"KEIYAKU_DATA": str(folder)})


def test_init_makes_a_key_once(tmp_path: Path) -> None:
    made, file = run(tmp_path, "evidence init"), tmp_path / "evidence.key"
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = evidence_key.load(file).private_bytes_raw()
    again = run(tmp_path, "evidence init")
    assert (again.exit_code, "there already" in again.output) == (1, True)
    assert evidence_key.load(file).private_bytes_raw() == before


def test_init_says_why_it_cannot(tmp_path: Path) -> None:
    refused = run(tmp_path / "nowhere", "evidence init")
    assert (refused.exit_code, "no key was made" in refused.output) == (1, True)


def test_verify_before_the_first_seal_says_so(tmp_path: Path) -> None:
    run(tmp_path, "evidence init")
    refused = run(tmp_path, "evidence verify")
    assert (refused.exit_code, "nothing was sealed yet" in refused.output) == (1, True)
