"""How a process of ours walks over a certificate for pkilint: whom it need not ask, as the answer is known."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from pkilint import validation
from pkilint.document import NodeVisitor, PDUNode
from pkilint.pkix.extension import ExtensionCriticalityValidator

from ca.pkilint_parts import Part

PATHS_MAX = 50_000  # paths remembered
# what `match` of these asks first is path and class of the node, and they never match where that does not
BY_PATH_FIRST = (NodeVisitor.match, validation.TypeMatchingValidator.match, ExtensionCriticalityValidator.match)
Pairs: TypeAlias = Iterator[tuple[Any, PDUNode]]  # a validator, and the node that it is to be asked about
Fitting: TypeAlias = Callable[[Any, PDUNode], tuple[Any, ...]]


def remember() -> None:
    """Linters of this process walk so from now on: the same findings in the same order as stock pkilint's."""
    validation.ValidatorContainer._validate_rec = walking(remembering())


def remembering() -> Fitting:
    """Those of a container that may match a node of this path and class: that does not vary between certificates.

    Stock pkilint asks each validator at each node, 6,500 times a certificate.
    """
    known: dict[tuple[int, str, type], tuple[Any, ...]] = {}

    def fitting(container: Any, node: PDUNode) -> tuple[Any, ...]:
        key = (id(container), node.path, type(node.pdu))
        if (found := known.get(key)) is None:
            if len(known) >= PATHS_MAX:
                known.clear()
            found = known[key] = tuple(each for each in container.validators if may_match(each, node))
        return found

    return fitting


def may_match(validator: Any, node: PDUNode) -> bool:
    """Whether path and class of the node allow a match; true for a validator that asks in a way of its own."""
    if type(validator).match not in BY_PATH_FIRST:
        return True
    return (
        validator._path in (None, node.path)
        and (validator._path_re is None or validator._path_re.match(node.path) is not None)
        and (validator._pdu_class is None or isinstance(node.pdu, validator._pdu_class))
    )


def walking(fitting: Fitting) -> Callable[[Any, PDUNode, list[Any]], None]:
    """The walk over a node and all below it, which adds what is found to a list."""

    def pairs(container: Any, node: PDUNode) -> Pairs:
        for validator in fitting(container, node):
            yield validator, node
        for child in node.children.values():  # some of which those validators have just put there
            yield from pairs(container, child)

    def validate(container: Any, node: PDUNode, results: list[Any]) -> None:
        if isinstance(node, Part):
            results += of_part(container, node, pairs(container, node))
            return
        for validator in fitting(container, node):
            results += asked(validator, node)
        for child in node.children.values():
            validate(container, child, results)

    return validate


def asked(validator: Any, node: PDUNode) -> list[Any]:
    """What it finds there."""
    if not validator.match(node):
        return []
    result = validator.validate_wrapper(node)
    return result if isinstance(result, list) else [result]


def of_part(container: Any, part: Part, pairs: Pairs) -> list[Any]:
    """What those of the container find in the part. Where all who looked there alone found nothing, only the others are
    asked from then on.
    """
    whole = part.document
    if (again := part.again.get(id(container))) is not None:
        found = [one for validator, node in again for one in asked(validator, node)]
        whole.watched = bool(again)  # for the container around this one
        return found
    found, beyond, faultless = [], [], True
    for validator, node in pairs:
        whole.watched = False
        results = asked(validator, node)
        if whole.watched:
            beyond.append((validator, node))
        elif any(one.finding_descriptions for one in results):
            faultless = False
        found += results
    if faultless:
        part.again[id(container)] = tuple(beyond)
    whole.watched = bool(beyond)
    return found
