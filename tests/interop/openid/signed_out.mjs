// A partner's server that checks logout tokens with npm `jose` against the provider's published keys, as OpenID Connect Back-Channel
// Logout 1.0, 2.6 says. In the first line: {issuer, port, id?}; then {id}. Says {port}, and for each token what it was told.
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const next = async () => JSON.parse((await lines.next()).value)
const say = (what) => console.log(JSON.stringify(what))
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

const { port } = await next()
let known
const server = createServer(async (request, response) => {
  let body = ''
  for await (const part of request) body += part
  try {
    const discovered = await (await fetch(`${known.issuer}/.well-known/openid-configuration`)).json()
    const keys = createRemoteJWKSet(new URL(discovered.jwks_uri))
    const token = new URLSearchParams(body).get('logout_token')
    const { payload } = await jwtVerify(token, keys, {
      issuer: known.issuer, audience: known.id, typ: 'logout+jwt', algorithms: ['ES256'], requiredClaims: ['iat', 'exp', 'jti', 'events'],
    })
    if (!(EVENT in payload.events) || 'nonce' in payload || !(payload.sub || payload.sid)) throw new Error('not a logout token')
    response.writeHead(200, { 'Cache-Control': 'no-store' }).end()
    say({ told: payload, method: request.method, type: request.headers['content-type'] })
  } catch (error) {
    response.writeHead(400).end()
    say({ refused: String(error) })
  }
}).listen(port, '127.0.0.1', () => say({ port: server.address().port }))
known = await next()
say({ ready: true })
await lines.next()
process.exit(0)
