"""A linter process that finds nothing, never answers for a certificate whose bytes hold `hang`, and dies of `crash`."""

import os
import signal
import struct
import sys
from itertools import count

LENGTH = struct.Struct(">I")
NOTHING = b'{"tool":"hanging 1","findings":[]}'


def main() -> None:
    """Each message is answered in order, until there are no more."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    said = b""
    for number in count():
        sink.write(LENGTH.pack(len(said)) + said)
        sink.flush()
        head = source.read(LENGTH.size)
        if not head:
            return
        tbs = source.read(LENGTH.unpack(head)[0])
        if b"hang" in tbs:
            print(f"message {number}: hangs", file=sys.stderr, flush=True)
            signal.pause()
        if b"crash" in tbs:
            os._exit(1)
        said = NOTHING


if __name__ == "__main__":
    main()
