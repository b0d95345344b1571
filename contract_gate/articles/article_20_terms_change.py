"""Article 20: change of the Terms (契約内容の変更)."""

from datetime import datetime, timedelta


def early_enough(announced_at: datetime, effective_at: datetime, min_notice_days: int) -> bool:
    """Whether a version whose announcement was delivered then may become effective then. T20-1, R-22 [A20.1].

    The announcement comes before the effect in any case, and by whole days of 24 hours at least `min_notice_days`.
    """
    return announced_at < effective_at and effective_at - announced_at >= timedelta(days=min_notice_days)
