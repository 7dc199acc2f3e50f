"""The city's key in an HSM, over PKCS#11 (extra `hsm`): it is unwrapped there, and lies nowhere in a file that opens anything.

`pkcs11:MODULE?token=LABEL&key=LABEL&pin=NAME&wrapped=FILE`: the module's library, the token, the AES key on it that
wraps (it never leaves the token), the environment variable that holds the PIN, and the file with the wrapped city key.
The file has a line for each city key, in hexadecimal, the one that wraps first. What the token does is AES key wrap with padding
(RFC 5649); while the city is served its key is in the process's memory.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from kitamae.kernel.people.vault import citykey
from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.people.vault.problems import VaultClosed, WrongKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCHEME: Final = "pkcs11:"
_NAMES: Final = ("token", "key", "pin", "wrapped")
_MOST_BYTES: Final = 10_000


def read(address: str) -> Sequence[CityKey]:
    """The one that wraps first. Raises VaultClosed, WrongKey."""
    module, told = _parts(address)
    path = Path(told["wrapped"])
    try:
        lines = path.read_bytes()[:_MOST_BYTES].split()
        wrapped = [bytes.fromhex(line.decode("ascii")) for line in lines]
    except OSError as error:
        raise VaultClosed(f"the wrapped city key {path} cannot be read: {error.strerror}") from error
    except ValueError:
        raise VaultClosed(f"{path}: that is no file of wrapped city keys") from None
    if not wrapped:
        raise VaultClosed(f"{path} is empty")
    with _token(module, told) as (session, key, pkcs11):
        return [CityKey.of(_unwrap(session, key, one, pkcs11)) for one in wrapped]


def write(address: str, keys: Sequence[CityKey], *, replace: bool = False) -> None:
    """The wrapped file for these keys. Raises VaultClosed, also where it is there already and is not to be replaced."""
    module, told = _parts(address)
    _put(module, told, Path(told["wrapped"]), keys, replace=replace)


def stamp(address: str) -> tuple[int, ...] | None:
    """Of the wrapped file. Raises VaultClosed."""
    return citykey.stamp(Path(_parts(address)[1]["wrapped"]))


def write_aside(address: str, keys: Sequence[CityKey]) -> Path:
    """Keys that wrap no more, wrapped, beside the file that `address` names. Raises VaultClosed."""
    module, told = _parts(address)
    path = citykey.aside(Path(told["wrapped"]), keys[0])
    _put(module, told, path, keys)
    return path


def make_wrapping(address: str) -> bool:
    """See to it that the token has the AES key that wraps: 256 bits, made on the token, which never gives it away. False: it was there.

    Raises VaultClosed.
    """
    module, told = _parts(address)
    with _opened(module, told, writing=True) as (session, pkcs11):
        attribute = pkcs11.Attribute
        wanted = {attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY, attribute.LABEL: told["key"]}
        if next(iter(session.get_objects(wanted)), None) is not None:
            return False
        template = {
            attribute.WRAP: True,
            attribute.UNWRAP: True,
            attribute.SENSITIVE: True,
            attribute.EXTRACTABLE: False,
        }
        session.generate_key(pkcs11.KeyType.AES, 256, label=told["key"], store=True, template=template)
    return True


def _put(
    module: str, told: dict[str, str], path: Path, keys: Sequence[CityKey], *, replace: bool = False
) -> None:
    with _token(module, told) as (session, key, pkcs11):
        wrapped = [_wrap(session, key, one.secret, pkcs11) for one in keys]
    citykey.put(path, [one.hex() for one in wrapped], replace=replace)


def _wrap(session: Any, key: Any, secret: bytes, pkcs11: Any) -> bytes:
    attribute = pkcs11.Attribute
    template = {
        attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
        attribute.KEY_TYPE: pkcs11.KeyType.AES,
        attribute.VALUE: secret,
        attribute.TOKEN: False,
        attribute.EXTRACTABLE: True,
    }
    wrapped: bytes = key.wrap_key(
        session.create_object(template), mechanism=pkcs11.Mechanism.AES_KEY_WRAP_PAD
    )
    return wrapped


def _unwrap(session: Any, key: Any, wrapped: bytes, pkcs11: Any) -> bytes:
    attribute = pkcs11.Attribute
    template = {attribute.TOKEN: False, attribute.SENSITIVE: False, attribute.EXTRACTABLE: True}
    try:
        opened = key.unwrap_key(
            *(pkcs11.ObjectClass.SECRET_KEY, pkcs11.KeyType.AES, wrapped),
            mechanism=pkcs11.Mechanism.AES_KEY_WRAP_PAD,
            template=template,
        )
    except pkcs11.PKCS11Error as error:  # tokens name this differently
        raise WrongKey(
            f"that key of the token does not open the city's key ({type(error).__name__})"
        ) from None
    secret: bytes = opened[attribute.VALUE]
    return secret


def _parts(address: str) -> tuple[str, dict[str, str]]:
    module, _, query = address.removeprefix(SCHEME).partition("?")
    told = {name: values[0] for name, values in parse_qs(query).items() if len(values) == 1}
    if not module or sorted(told) != sorted(_NAMES):
        raise VaultClosed("expected pkcs11:MODULE?token=LABEL&key=LABEL&pin=VARIABLE&wrapped=FILE")
    return module, told


@contextmanager
def _token(module: str, told: dict[str, str]) -> Iterator[tuple[Any, Any, Any]]:
    """Session, the wrapping key on the token, the library. Raises VaultClosed, WrongKey."""
    with _opened(module, told) as (session, pkcs11):
        key = session.get_key(object_class=pkcs11.ObjectClass.SECRET_KEY, label=told["key"])
        yield session, key, pkcs11


@contextmanager
def _opened(module: str, told: dict[str, str], *, writing: bool = False) -> Iterator[tuple[Any, Any]]:
    """Session, the library. Raises VaultClosed, WrongKey."""
    try:
        import pkcs11
    except ImportError:
        raise VaultClosed("a key in an HSM needs the extra `hsm`: pip install 'kitamae[hsm]'") from None
    pin = os.environ.get(told["pin"], "")
    if not pin:
        raise VaultClosed(
            f"the PIN of the token {told['token']} should be in the environment variable {told['pin']}"
        )
    try:
        token = pkcs11.lib(module).get_token(token_label=told["token"])
        with token.open(rw=writing, user_pin=pin) as session:
            yield session, pkcs11
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise VaultClosed(
            f"the token {told['token']} does not answer: {type(error).__name__} {error}"
        ) from None
