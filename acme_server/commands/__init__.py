"""The operators' commands. Each is thin: one use case of the office, its answer printed."""

import click

from acme_server.commands.application import application_group
from acme_server.commands.audit import audit
from acme_server.commands.bank import bank
from acme_server.commands.bundle import bundle, verify_bundle
from acme_server.commands.ca import ca
from acme_server.commands.ca_revoke import revocations, revoke
from acme_server.commands.ceremony import ceremony
from acme_server.commands.certificate import certificate
from acme_server.commands.certificate_import import certificate_import
from acme_server.commands.changes import change, seal, timer
from acme_server.commands.check import check
from acme_server.commands.contract import contract
from acme_server.commands.credit import COMMANDS as CREDIT_COMMANDS
from acme_server.commands.ct import ct
from acme_server.commands.dealer import dealer
from acme_server.commands.demo import demo
from acme_server.commands.desk import desk
from acme_server.commands.document import document
from acme_server.commands.duties import consultation, leak, liability, retention, subcontractor
from acme_server.commands.evidence import evidence
from acme_server.commands.gate import gate
from acme_server.commands.hold import hold
from acme_server.commands.holiday import holiday
from acme_server.commands.incident import incident
from acme_server.commands.key import key
from acme_server.commands.ledger import ledger
from acme_server.commands.limit import limit
from acme_server.commands.maintenance import maintenance
from acme_server.commands.money import invoice, payment
from acme_server.commands.notice import notice
from acme_server.commands.people import customer, person
from acme_server.commands.plan import plan
from acme_server.commands.proposal import proposal
from acme_server.commands.reading import reading
from acme_server.commands.report import report
from acme_server.commands.review import review_group, screening_group
from acme_server.commands.revocation import revocation
from acme_server.commands.root_crl import root_crl
from acme_server.commands.sample import sample, samples
from acme_server.commands.terms import terms
from acme_server.commands.token import token

ca.add_command(ceremony)
ca.add_command(root_crl)
ca.add_command(revoke)
ca.add_command(revocations)
certificate.add_command(certificate_import)
bank.add_command(dealer)
audit.add_command(sample)
audit.add_command(samples)
evidence.add_command(bundle)
evidence.add_command(verify_bundle)
for each in CREDIT_COMMANDS:
    invoice.add_command(each)
GROUPS: list[click.Command] = [
    check,
    ca,
    customer,
    person,
    desk,
    proposal,
    audit,
    reading,
    plan,
    application_group,
    document,
    review_group,
    screening_group,
    contract,
    change,
    seal,
    key,
    limit,
    invoice,
    payment,
    ledger,
    bank,
    holiday,
    hold,
    certificate,
    ct,
    revocation,
    incident,
    report,
    gate,
    timer,
    consultation,
    liability,
    leak,
    subcontractor,
    retention,
    evidence,
    notice,
    terms,
    demo,
    maintenance,
    token,
]
