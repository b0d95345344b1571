"""All mutations."""

from tests.mutation import (
    certificate_imports,
    desk,
    doors,
    facts,
    gate,
    issuance,
    later,
    looks,
    office,
    open_doors,
    protocol,
    several,
    tax_rates,
    terms,
    transparency,
    validation,
    vouched,
)

MUTATIONS = [
    *protocol.MUTATIONS, *gate.MUTATIONS, *doors.MUTATIONS, *validation.MUTATIONS, *transparency.MUTATIONS,
    *office.MUTATIONS, *looks.MUTATIONS, *facts.MUTATIONS, *issuance.MUTATIONS, *desk.MUTATIONS, *vouched.MUTATIONS,
    *later.MUTATIONS, *terms.MUTATIONS, *several.MUTATIONS, *open_doors.MUTATIONS,
    *tax_rates.MUTATIONS, *certificate_imports.MUTATIONS,
]  # fmt: skip
