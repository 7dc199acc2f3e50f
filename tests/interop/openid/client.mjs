// npm `openid-client` signs in to our provider, line by line: out goes the address for a browser, in comes the one that it
// is sent back to, out what the client then knows. In the first line: {issuer, id, secret} or {issuer, id, jwk} or {issuer, id}.
import { createInterface } from 'node:readline'
import * as client from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const next = async () => (await lines.next()).value
const say = (what) => console.log(JSON.stringify(what))

const given = JSON.parse(await next())
const redirect_uri = 'http://127.0.0.1:9/back'
let proof = client.None()
if (given.secret) proof = client.ClientSecretBasic(given.secret)
if (given.jwk) {
  const key = await crypto.subtle.importKey('jwk', given.jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  proof = client.PrivateKeyJwt({ key, kid: given.jwk.kid })
}
const config = await client.discovery(new URL(given.issuer), given.id, undefined, proof, { execute: [client.allowInsecureRequests] })

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
say({ address: client.buildAuthorizationUrl(config, {
  redirect_uri,
  scope: 'openid role offline_access',
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  nonce: expectedNonce,
}).href })

const tokens = await client.authorizationCodeGrant(config, new URL(await next()), { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true })
const { sub } = tokens.claims()
const about = await client.fetchUserInfo(config, tokens.access_token, sub)
const again = await client.refreshTokenGrant(config, tokens.refresh_token)
const same = again.claims().sub === sub
let reused = ''
await client.refreshTokenGrant(config, tokens.refresh_token).catch((error) => { reused = error.error })
let ended = ''
await client.refreshTokenGrant(config, again.refresh_token).catch((error) => { ended = error.error })
await client.tokenRevocation(config, again.access_token)
const leave = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: 'http://127.0.0.1:9/left' })
say({ claims: tokens.claims(), about, same, reused, ended, leave: leave.href })
process.exit(0)
