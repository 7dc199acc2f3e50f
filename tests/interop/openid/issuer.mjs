// npm `oidc-provider`, configured as the public documents of デジタル認証アプリ describe it: code flow with PKCE S256 alone,
// private_key_jwt, ID tokens signed with ES256, the scopes of the 基本4情報 and `sign`, `acr_values=aal3 crl`.
// In: a JSON object on standard input {client, redirect, jwk}. Out: one line, the issuer's address.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const given = JSON.parse(await new Promise((done) => {
  let text = ''
  process.stdin.on('data', (part) => { text += part }).on('end', () => done(text))
}))
const server = createServer()
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const issuer = `http://127.0.0.1:${server.address().port}`
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const person = { name: '連携 太郎', address: '試験県見本市例示町１番地', birthdate: '19850401', gender: '1' }

const provider = new Provider(issuer, {
  clients: [{
    client_id: given.client,
    redirect_uris: [given.redirect],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    id_token_signed_response_alg: 'ES256',
    jwks: { keys: [given.jwk] },
  }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'issuer-1', alg: 'ES256', use: 'sig' }] },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  pkce: { required: () => true },
  acrValues: ['aal3', 'crl'],
  scopes: ['openid', 'name', 'address', 'birthdate', 'gender', 'sign'],
  claims: { openid: ['sub'], name: ['name'], address: ['address'], birthdate: ['birthdate'], gender: ['gender'], acr: null },
  extraParams: ['sign_transaction_id'],
  cookies: { keys: ['for a test'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...person }) }),
})

// Whoever comes is signed in and agrees; what was asked for is told on the way, for the test to see.
const callback = provider.callback()
server.on('request', async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return callback(request, response)
  const { params, prompt, grantId } = await provider.interactionDetails(request, response)
  const result = {}
  if (prompt.name === 'login') {
    console.error(JSON.stringify(params))
    result.login = { accountId: 'ppid-1', acr: 'aal3' }
  } else {
    const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: 'ppid-1', clientId: params.client_id })
    grant.addOIDCScope(params.scope)
    result.consent = { grantId: await grant.save() }
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
})
console.log(issuer)
