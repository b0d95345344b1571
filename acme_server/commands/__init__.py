"""The operators' commands. Each is thin: one use case of the office, its answer printed."""

import click

from acme_server.commands.ca import ca
from acme_server.commands.check import check
from acme_server.commands.contract import contract
from acme_server.commands.evidence import evidence
from acme_server.commands.gate import gate
from acme_server.commands.hold import hold
from acme_server.commands.key import key
from acme_server.commands.money import bank, invoice, payment
from acme_server.commands.people import customer, person

GROUPS: list[click.Command] = [check, ca, customer, person, contract, key, invoice, payment, bank, hold, gate, evidence]
