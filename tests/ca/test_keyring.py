import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ca import keys
from ca.keyring import Keyring
from ca.keys import FileKey, KeyUnusable, SigningKey


class Place:
    """Where two keys are, and where it is seen when two of them are at work at once."""

    def __init__(self) -> None:
        self.keys, self.asked, self.inside, self.most = {1: keys.generate()}, list[int](), 0, 0

    def open(self, number: int) -> SigningKey:
        self.asked.append(number)
        if number not in self.keys:
            raise KeyUnusable(f"no key {number}")
        return Seen(self, self.keys[number])


class Seen:
    """A key that takes long enough for another to be asked meanwhile."""

    repeatable = True

    def __init__(self, place: Place, key: FileKey) -> None:
        self.place, self.key, self.spki = place, key, key.spki

    def sign(self, tbs: bytes) -> bytes:
        self.place.inside += 1
        self.place.most = max(self.place.most, self.place.inside)
        threading.Event().wait(0.01)
        made = self.key.sign(tbs)
        self.place.inside -= 1
        return made


def test_a_key_is_opened_when_it_is_first_asked_for_and_once() -> None:
    place = Place()
    held = Keyring(place.open)
    assert (len(held), held.get(9), 9 in held) == (0, None, False)
    with pytest.raises(KeyUnusable, match="no key 4"):
        held.need(4)
    assert held[1].spki == place.keys[1].spki
    assert held.get(1) is held.need(1)
    place.keys[4] = keys.generate()  # a ceremony made it meanwhile
    assert held[4].spki == place.keys[4].spki
    assert sorted(held) == [1, 4]
    assert place.asked == [9, 9, 4, 1, 4]


def test_keys_of_a_ring_sign_one_after_the_other() -> None:
    place = Place()
    place.keys[4] = keys.generate()
    held = Keyring(place.open)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: held[number].sign(b"tbs"), [1, 4] * 4))
    assert place.most == 1
