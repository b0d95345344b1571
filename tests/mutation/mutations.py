"""What a mutation is, and how the usual ones are written."""

from typing import NamedTuple


class Mutation(NamedTuple):
    """A text that stands once in a file, what it becomes, and the tests of which one must fail then."""

    file: str
    text: str
    replacement: str
    tests: str


def off(file: str, tests: str, *conditions: str) -> list[Mutation]:
    """Each `if` line never holds: what it refuses is let through."""
    return [Mutation(file, f"if {each}:", "if False:", tests) for each in conditions]


def without(file: str, tests: str, *texts: str) -> list[Mutation]:
    """Each text is gone."""
    return [Mutation(file, each, "", tests) for each in texts]


def skipped(file: str, tests: str, *statements: str) -> list[Mutation]:
    """Each statement, on a line of its own, does nothing."""
    return [Mutation(file, f" {each}\n", " pass\n", tests) for each in statements]
