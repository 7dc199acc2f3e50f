"""JOSE, strictly: the one place that signs, verifies, encrypts and decrypts tokens (RFC 7515 to 7519, 8725).

`encoding` reads base64url and JSON as their RFCs write them, `keys` says what a key may be used for, `signed` is JWS,
`encrypted` JWE, `claims` JWT. The arithmetic is that of joserfc and cryptography; what they let pass is refused here.
"""
