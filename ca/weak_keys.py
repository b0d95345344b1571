"""RSA keys that anybody can factor, or nearly (pure). BR §6.1.1.3, §6.1.6."""

from itertools import islice
from math import gcd, isqrt, prod

FERMAT_ROUNDS = 100
GREATEST_FACTOR = 752  # C-069: no factor below it


def is_prime(number: int) -> bool:
    """Of a small number."""
    return number > 1 and all(number % divisor for divisor in range(2, isqrt(number) + 1))


def primes_below(limit: int) -> list[int]:
    """All primes below `limit`, ascending."""
    return [number for number in range(2, limit) if is_prime(number)]


def primes_with_powers(k: int) -> tuple[int, ...]:
    """Three primes above GREATEST_FACTOR modulo which only one number in `k` is a k-th power."""
    candidates = range(GREATEST_FACTOR // (2 * k) * 2 * k + 1, 1 << 20, 2 * k)
    return tuple(islice((q for q in candidates if q > GREATEST_FACTOR and is_prime(q)), 3))


def powers(base: int, prime: int) -> int:
    """Bit r is set for each r that is a power of `base` modulo `prime`."""
    found, power = 0, 1
    while not found >> power & 1:
        found |= 1 << power
        power = power * base % prime
    return found


SMALL_PRIMES = prod(primes_below(GREATEST_FACTOR))
SQUARES = sum(1 << root for root in {n * n % 64 for n in range(64)})  # what a square can be modulo 64
# The faulty generator (CVE-2017-15361) takes primes k·M + 65537^a mod M, M the product of the first primes: modulo each
# of them its moduli are powers of 65537. Of other moduli one in 2^27 is.
ROCA = [(prime, powers(65537, prime)) for prime in primes_below(168)[1:]]

LONGEST = 8192  # bits of a modulus
EXPONENTS = primes_below(LONGEST // (GREATEST_FACTOR.bit_length() - 1) + 1)[1:]
RESIDUES = [(k, primes_with_powers(k)) for k in EXPONENTS]


def weakness(modulus: int) -> str | None:
    """Why nobody may use an RSA key of this modulus; None when nothing is found. C-069, C-074, C-075."""
    if gcd(modulus, SMALL_PRIMES) > 1:
        return f"C-069: RSA modulus has a factor below {GREATEST_FACTOR}"
    if is_power(modulus):
        return "C-069: RSA modulus is a power"
    if all(marks >> modulus % prime & 1 for prime, marks in ROCA):
        return "C-074: RSA key comes from a faulty generator (ROCA, CVE-2017-15361): make it on another device"
    if fermat(modulus):
        return f"C-075: RSA key is factored by Fermat's method in {FERMAT_ROUNDS} rounds: its primes are too close"
    return None


def fermat(modulus: int, rounds: int = FERMAT_ROUNDS) -> bool:
    """Whether an odd modulus is the product of two numbers so close that Fermat's method finds them in `rounds`."""
    middle = isqrt(modulus)
    middle += middle * middle < modulus
    square = middle * middle - modulus
    for _ in range(rounds):
        if SQUARES >> (square & 63) & 1 and isqrt(square) ** 2 == square:
            return True
        square += 2 * middle + 1
        middle += 1
    return False


def is_power(number: int) -> bool:
    """Whether a number without a factor below GREATEST_FACTOR is a power a^k with k > 1."""
    greatest = number.bit_length() // (GREATEST_FACTOR.bit_length() - 1)
    return isqrt(number) ** 2 == number or any(
        nearest_root(number, k) ** k == number for k, tests in RESIDUES if k <= greatest and passes(number, k, tests)
    )


def passes(number: int, k: int, tests: tuple[int, ...]) -> bool:
    """Whether the number is a k-th power modulo each prime of `tests`; of others one in k^len(tests) is."""
    return all(pow(number, (prime - 1) // k, prime) < 2 for prime in tests)


def nearest_root(number: int, k: int) -> int:
    """The greatest integer whose k-th power is not above `number`."""
    low, high = 1, 1 << (number.bit_length() // k + 1)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**k <= number else (low, middle)
    return low
