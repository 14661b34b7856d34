/**
 * Who asks, as it is kept with what they do: the token's issuer, subject and id, and the address of the client.
 * Behind proxies that are trusted (TRUSTED_PROXIES) the address is the last one in `X-Forwarded-For` that is
 * none of them; from anybody else, that header tells nothing.
 */
import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { FiledByToken } from '../../journal/attribution.ts'

export function askerOf(request: FastifyRequest): FiledByToken {
  const { filer } = request
  assert(filer !== undefined, 'who asks has a token')
  const { issuer, subject, tokenId } = filer
  const address = addressOf(request)
  return {
    issuer,
    subject,
    ...(tokenId !== undefined && { tokenId }),
    ...(address !== undefined && { address }),
  }
}

/** What a proxy passes on is told where it is an address. */
function addressOf({ ip, socket }: FastifyRequest): string | undefined {
  const address = plain(ip)
  return isIP(address) === 0 ? socket.remoteAddress && plain(socket.remoteAddress) : address
}

/** IPv4 is told as such, also where it comes as IPv6; a zone, which may be of any length, says nothing here. */
function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*/s, '')
}
