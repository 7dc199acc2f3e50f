"""The relying party of デジタル認証アプリ: a resident signs in with the card and the app of the Digital Agency, by OpenID Connect.

Written after its public documents (developers.digital.go.jp, デジタル認証アプリ, APIリファレンス and 実装ガイドライン): code
flow, PKCE S256, `private_key_jwt`, ID tokens signed with ES256. No card is read here and no number of a card or of a
person (マイナンバー) is asked for; the `sub` that comes is used for a keyed pseudonym and then forgotten.
"""
