"""`keiyaku check`: finds faults of a deployment and says what to do about each."""

from collections.abc import Callable
from datetime import datetime

from acme_server.config import Settings
from acme_server.use_cases.check_bank import bank
from acme_server.use_cases.check_ca import crls, issuers, ocsp, publication, revoked_issuers, root_crls
from acme_server.use_cases.check_duties import desk, drills, register, revocation_deadlines, self_audit
from acme_server.use_cases.check_house import clocks, cluster, migrations, partitions, roles, seal, waiting_jobs
from acme_server.use_cases.check_machine import blocklist, disk, files, signer, tls
from acme_server.use_cases.check_money import invoices
from acme_server.use_cases.check_outside import perspectives, transparency
from acme_server.use_cases.check_service_end import service_end
from acme_server.use_cases.fault import Fault, Look
from sql import Conn

LOOKS: tuple[Look, ...] = (
    migrations, cluster, roles, partitions, seal, waiting_jobs, crls, root_crls, ocsp, publication,
    revocation_deadlines, desk, register, bank, invoices, service_end, transparency, perspectives, issuers,
    revoked_issuers, clocks, drills, self_audit, files, blocklist, tls, disk, signer,
)  # fmt: skip


async def faults_of(settings: Settings, conn: Conn, clock: Callable[[], datetime]) -> list[Fault]:
    """Every fault found, in the order of LOOKS. A schema that is behind is the only fault then."""
    found: list[Fault] = []
    for look in LOOKS:
        found += await look(settings, conn, clock())
        if found and look is migrations:
            break
    return found
