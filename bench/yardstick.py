"""How fast the machine is while it is measured: the CPU of one ES256 verification, over and over.

Virtual machines change speed by the minute. The study of peers took 64 µs (62 to 66) for the same verification in the
same library, in a loop with nothing beside it; here it is timed between requests of a load, when caches are cold, so a
cost divided by it is, if anything, a little too small.
"""

import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

STUDY_US = 64.0


class Yardstick:
    """A key and a signature of its own."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self.how, self.said = ec.ECDSA(hashes.SHA256()), b"x" * 300
        self.public, self.signature = key.public_key(), key.sign(self.said, self.how)

    def verification_us(self) -> float:
        """CPU of one verification now, in µs."""
        began = time.thread_time_ns()
        self.public.verify(self.signature, self.said, self.how)
        return (time.thread_time_ns() - began) / 1000
