"""What an application still needs before two people may accept it (登録受理, T4-5): every article is asked."""

from contract_gate.application import Application
from contract_gate.articles import (
    article_01_purpose,
    article_02_consent,
    article_03_review,
    article_04_issuance,
    article_13_antisocial,
)

ASKED = (
    article_01_purpose.lacking,
    article_02_consent.lacking,
    article_03_review.lacking,
    article_04_issuance.lacking,
    article_13_antisocial.lacking,
)


def lacking(application: Application) -> list[str]:
    """Everything that acceptance still needs, in the words an officer reads; nothing when it may be accepted."""
    return [what for asked in ASKED for what in asked(application)]
