"""Every operation of the API, in one table; office/openapi.yaml describes the same."""

from office.edge.api import (
    applications,
    bank,
    books,
    changes,
    compliance,
    contracts,
    decisions,
    desk,
    duties,
    following,
    incidents,
    money,
    pauses,
    register,
    revocation,
    screenings,
    seals,
    service,
)
from office.edge.api.calls import Operation

OPERATIONS: tuple[Operation, ...] = (
    *register.OPERATIONS,
    *applications.OPERATIONS,
    *contracts.OPERATIONS,
    *money.OPERATIONS,
    *revocation.OPERATIONS,
    *compliance.OPERATIONS,
    *screenings.OPERATIONS,
    *decisions.OPERATIONS,
    *changes.OPERATIONS,
    *seals.OPERATIONS,
    *pauses.OPERATIONS,
    *duties.OPERATIONS,
    *desk.OPERATIONS,
    *books.OPERATIONS,
    *bank.OPERATIONS,
    *following.OPERATIONS,
    *service.OPERATIONS,
    *incidents.OPERATIONS,
)
