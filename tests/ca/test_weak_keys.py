"""RSA keys that anybody can factor, beside good ones."""

from itertools import count
from math import gcd, isqrt, prod
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ca.weak_keys import EXPONENTS, fermat, is_power, primes_below, weakness

CHANCE = Random(20261122)
RSA = [rsa.generate_private_key(65537, bits).private_numbers() for bits in (2048, 3072)]


SMALL = prod(primes_below(5000))


def probable_prime(number: int) -> bool:
    """By Fermat's test to three bases, of what no small prime divides: good enough for a number of our own choosing."""
    return gcd(number, SMALL) == 1 and all(pow(base, number - 1, number) == 1 for base in (2, 3, 5))


def prime_from(start: int, step: int = 2) -> int:
    """The first probable prime of start, start + step, …"""
    return next(n for n in count(start, step) if probable_prime(n))


def random_prime(bits: int) -> int:
    return prime_from(CHANCE.getrandbits(bits) | 1 << (bits - 1) | 1)


def faulty_prime(bits: int) -> int:
    """As the generator of CVE-2017-15361 makes them: k·M + 65537^a mod M."""
    base = prod(primes_below(168))
    return prime_from(
        CHANCE.getrandbits(bits - base.bit_length()) * base + pow(65537, CHANCE.getrandbits(64), base), base
    )


@pytest.mark.std("C-069", "C-074", "C-075")
@pytest.mark.parametrize("key", RSA, ids=["2048", "3072"])
def test_good_key(key: rsa.RSAPrivateNumbers) -> None:
    assert weakness(key.public_numbers.n) is None


@pytest.mark.std("C-074")
def test_faulty_generator() -> None:
    assert "C-074" in (weakness(faulty_prime(512) * faulty_prime(512)) or "")
    assert weakness(faulty_prime(512) * random_prime(512)) is None  # both primes have the mark, or the modulus has not


@pytest.mark.std("C-075")
def test_primes_too_close() -> None:
    key = RSA[0]
    near = prime_from(key.p + 2)
    assert "C-075" in (weakness(key.p * near) or "")
    assert weakness(key.p * prime_from(key.p + (1 << 600))) is None


@pytest.mark.std("C-075")
@pytest.mark.parametrize(("rounds", "found"), [(100, True), (99, False)])
def test_fermat_takes_a_hundred_rounds(rounds: int, found: bool) -> None:
    first = RSA[0].p
    second = first + isqrt(4 * first * 199) // 2 * 2  # their mean is 99 and a half above the root of their product
    assert fermat(first * second, rounds) is found


@pytest.mark.std("C-069")
@pytest.mark.parametrize("factor", [3, 5, 743, 751])
def test_small_factor(factor: int) -> None:
    assert "C-069" in (weakness(RSA[0].p * RSA[0].q * factor) or "")


@pytest.mark.std("C-069")
def test_no_small_factor() -> None:
    assert weakness(RSA[0].p * RSA[0].q * 757) is None  # the least prime that is allowed


@pytest.mark.std("C-069")
@pytest.mark.parametrize("exponent", [2, 3, 5, 7, 11, 61])
def test_power(exponent: int) -> None:
    base = random_prime(2048 // exponent)
    assert is_power(base**exponent)
    assert "C-069" in (weakness(base**exponent) or "")
    assert not is_power(base**exponent + 2)


def test_powers_of_every_exponent_and_of_the_primes_that_filter() -> None:
    for exponent in EXPONENTS:
        assert is_power(757**exponent)
        assert is_power(30839**exponent)
        assert not is_power(757**exponent * 761)
