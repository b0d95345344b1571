"""The table of mutations is about the code as it is: `make mutation` tries them."""

import pytest

from tests.architecture.ids import ROOT
from tests.mutation.everything import MUTATIONS


def test_the_text_of_every_mutation_stands_once_in_its_file() -> None:
    texts = {file: (ROOT / file).read_text(encoding="utf-8") for file in {mutation.file for mutation in MUTATIONS}}
    assert not [(each.file, each.text) for each in MUTATIONS if texts[each.file].count(each.text) != 1]


def test_no_mutation_stands_there_twice_or_changes_nothing() -> None:
    assert len({(each.file, each.text, each.replacement) for each in MUTATIONS}) == len(MUTATIONS)
    assert not [each for each in MUTATIONS if each.text == each.replacement]


@pytest.mark.parametrize("path", sorted({path for each in MUTATIONS for path in each.tests.split()}))
def test_the_tests_of_a_mutation_exist(path: str) -> None:
    file, _, name = path.partition("::")
    assert f"def {name}" in (ROOT / file).read_text(encoding="utf-8")
