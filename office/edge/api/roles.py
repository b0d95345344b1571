"""Who may what: sets of roles that operations name."""

from office.use_cases.tokens import Role

CUSTOMERS: frozenset[Role] = frozenset({"applicant", "requester"})
APPLICANT: frozenset[Role] = frozenset({"applicant"})
OFFICERS: frozenset[Role] = frozenset({"officer"})
DESK: frozenset[Role] = frozenset({"officer", "approver"})
COMPLIANCE: frozenset[Role] = frozenset({"compliance"})  # alone sees grounds of G7 (T13-3)
OPERATORS: frozenset[Role] = frozenset({"operator"})
AUDITORS: frozenset[Role] = frozenset({"auditor"})
CA: frozenset[Role] = DESK | COMPLIANCE | OPERATORS | AUDITORS  # reads what is nobody's secret
EVERYBODY: frozenset[Role] = CUSTOMERS | CA
