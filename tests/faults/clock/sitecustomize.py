"""The server's clock, as many microseconds off as the file named by FAULTS_CLOCK says (8 bytes, this machine's order).

It is on the PYTHONPATH of the server under test alone. Monotonic time is left as it is, as when somebody sets a clock.
"""

import mmap
import os
import struct
import time

_file = os.open(os.environ["FAULTS_CLOCK"], os.O_RDONLY)
_off = mmap.mmap(_file, 8, prot=mmap.PROT_READ)
_true_ns, _unpack = time.time_ns, struct.Struct("q").unpack_from


def _time_ns() -> int:
    return _true_ns() + _unpack(_off)[0] * 1000


def _time() -> float:
    return _time_ns() / 1e9


time.time_ns, time.time = _time_ns, _time
