/** What is wrong with a TLS connection, in a sentence for operators: by code, as Node and OpenSSL give it. */

const faults = {
  authority:
    'shows a certificate that no authority vouches for which is trusted here: name its CA (sslrootcert in DATABASE_URL, REDIS_CA), or somebody is in between',
  host: 'shows a certificate of another host: name the host as its certificate does, or somebody is in between',
  expired: 'shows a certificate that is not valid at this time: renew it, and look at the clocks',
  plain:
    'speaks no TLS, which is asked for: nothing was sent to it. Switch TLS on there, or see who answers in its place',
} as const

type TlsFault = keyof typeof faults

const codes: Readonly<Record<string, TlsFault>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'authority',
  UNABLE_TO_GET_ISSUER_CERT: 'authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'authority',
  CERT_SIGNATURE_FAILURE: 'authority',
  CERT_UNTRUSTED: 'authority',
  INVALID_CA: 'authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'host',
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'expired',
  ERR_SSL_WRONG_VERSION_NUMBER: 'plain',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'plain',
}

/** pg's own, which it gives no code. */
const noTls = 'The server does not support SSL connections'

export function tlsFaultOf(error: unknown): TlsFault | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return codes[code]
  return error.message === noTls ? 'plain' : undefined
}

/** @param server what it is: 'The database' */
export function tlsSentence(server: string, fault: TlsFault): string {
  return `${server} ${faults[fault]}.`
}
