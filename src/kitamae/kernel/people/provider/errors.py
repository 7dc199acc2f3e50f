"""What a client is told (RFC 6749, 4.1.2.1 and 5.2; OpenID Connect Core 1.0, 3.1.2.6)."""

from __future__ import annotations

from typing import ClassVar

from kitamae.kernel.problems import Problem


class OAuthError(Problem):
    """`error` is the standard's word; the detail is for the developer at the other end."""

    error: ClassVar[str] = "invalid_request"
    status = 400
    title = "The request is not one of OpenID Connect"


class InvalidClient(OAuthError):
    """It did not prove who it is."""

    error = "invalid_client"
    status = 401


class InvalidGrant(OAuthError):
    """The code or the refresh token is wrong, spent, expired, or somebody else's."""

    error = "invalid_grant"


class InvalidScope(OAuthError):
    """More than was agreed to, or something that is not known."""

    error = "invalid_scope"


class UnsupportedGrantType(OAuthError):
    """Only codes and refresh tokens are exchanged here."""

    error = "unsupported_grant_type"


class InvalidToken(OAuthError):
    """An access token that is wrong or has ended (RFC 6750)."""

    error = "invalid_token"
    status = 401


class UnsupportedResponseType(OAuthError):
    """Only `code`: no token ever stands in an address."""

    error = "unsupported_response_type"


class RequestNotSupported(OAuthError):
    """Request objects are not read."""

    error = "request_not_supported"


class LoginRequired(OAuthError):
    """`prompt=none`, and nobody is signed in."""

    error = "login_required"


class ConsentRequired(OAuthError):
    """`prompt=none`, and the person did not agree yet."""

    error = "consent_required"


class AccessDenied(OAuthError):
    """The person did not agree."""

    error = "access_denied"
