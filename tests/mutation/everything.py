"""All mutations."""

from tests.mutation import desk, doors, facts, gate, issuance, looks, office, protocol, transparency, validation

MUTATIONS = [
    *protocol.MUTATIONS, *gate.MUTATIONS, *doors.MUTATIONS, *validation.MUTATIONS, *transparency.MUTATIONS,
    *office.MUTATIONS, *looks.MUTATIONS, *facts.MUTATIONS, *issuance.MUTATIONS, *desk.MUTATIONS,
]  # fmt: skip
