"""Devices: what may write because it stands in the public sensor register, and the keys with which it signs in.

installed.py  what the register lets write now, as the policy hears it
keys.py       the door to devices' keys: bound to an entry, rotated, revoked, signed in with
See docs/decisions/0094.
"""

from kitamae.kernel.people.devices.installed import Installed
from kitamae.kernel.people.devices.keys import DeviceKey, DeviceKeys

__all__ = ["DeviceKey", "DeviceKeys", "Installed"]
