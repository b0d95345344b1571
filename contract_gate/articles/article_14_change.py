"""Article 14: change of certificate information (証明書情報の変更)."""

from typing import Literal


def handled_by(item: str, in_certificate: bool) -> Literal["new_contract", "names", "register"]:
    """What a change of this item takes. T14-1, T14-3 [A14.1].

    Organisation data that a certificate shows: a new contract, fully paid. Domain names alone: inside the contract,
    up to its number (R-12). Anything else: the register only (T6-4).
    """
    if item == "domain":
        return "names"
    return "new_contract" if in_certificate else "register"
