"""Kitamae as OpenID Provider (OpenID Connect Core 1.0, RFC 6749, 7636, 9207, 9700): the city's services and partners let people sign in here.

The code flow with PKCE and nothing else; each partner knows a person by a name that no other partner knows (pairwise), and
never by a name, an address or a number.
"""
