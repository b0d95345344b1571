"""How fast the machine is at this moment: the CPU of one ES256 verification.

Virtual machines change speed by the minute. The study of peers took 64 µs (62 to 66) for the same verification in the
same library, so figures of both compare after division by what it takes here now.
"""

import statistics
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ROUNDS, EACH = 9, 200
STUDY_US = 64.0


def verification_us() -> float:
    """CPU of one verification in µs, the median of some rounds; takes about 0.2 s."""
    key = ec.generate_private_key(ec.SECP256R1())
    signature, public, how = (
        key.sign(b"x" * 300, ec.ECDSA(hashes.SHA256())),
        key.public_key(),
        ec.ECDSA(hashes.SHA256()),
    )
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(EACH):
            public.verify(signature, b"x" * 300, how)
        taken.append((time.process_time() - began) / EACH * 1e6)
    return statistics.median(taken)


def at_study_speed(cost: float, *yardsticks: float) -> float:
    """The same cost on the machine of the study, by the mean of what a verification took meanwhile."""
    return cost * STUDY_US / statistics.fmean(yardsticks)
