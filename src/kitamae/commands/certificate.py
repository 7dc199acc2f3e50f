"""TLS with the operator's own certificate, for a city without a web server in front."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Final

import structlog

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from pathlib import Path

    from uvicorn import Config

    from kitamae.settings import Settings

RENEWAL_SECONDS: Final = 600.0
"""Between two looks whether the certificate was renewed."""
_log = structlog.get_logger("kitamae")


def certified(config: Config, settings: Settings) -> None:
    """The operator's own certificate is shown, where there is one. Raises BadRequest for one that cannot be used."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:  # of which SSLError is one
        files = f"{settings.tls_certificate}, {settings.tls_key}"
        raise BadRequest(
            f"the certificate and its key cannot be used: {error.strerror or error} ({files})"
        ) from error
    config.load()
    config.ssl = context


async def renewed(config: Config, settings: Settings) -> None:
    """A certificate that was renewed is shown to whoever connects from then on, without a new start. Until it is cancelled."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None or key is None or config.ssl is None:
        return
    shown = _written(certificate, key)
    while True:
        await asyncio.sleep(RENEWAL_SECONDS)
        if (now := _written(certificate, key)) == shown:
            continue
        try:
            config.ssl.load_cert_chain(certificate, key)
        except OSError as error:  # half of it is written yet, or it is none: the old one goes on
            _log.warning("the certificate was changed and cannot be used", why=str(error))
        else:
            shown = now
            _log.info("the certificate is renewed")


def _written(*files: Path) -> list[int]:
    return [file.stat().st_mtime_ns if file.exists() else 0 for file in files]
