/** Certificates of an authority of a test's own (RFC 5280, in DER), with what verifiers look at. */
import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { isIPv4 } from 'node:net'

export type Certified = { readonly cert: string; readonly key: string }
export type Authority = Certified & { certify(hosts: readonly string[]): Certified }

const tlv = (tag: number, ...contents: Buffer[]): Buffer => {
  const content = Buffer.concat(contents)
  const { length } = content
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...contents: Buffer[]) => tlv(0x30, ...contents)
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'))
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
const nameOf = (text: string) =>
  sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(text)))))
const extension = (id: string, critical: boolean, value: Buffer) =>
  sequence(oid(id), ...(critical ? [Buffer.from('0101ff', 'hex')] : []), tlv(0x04, value))
const instant = (text: string) => tlv(0x17, Buffer.from(text))

const alternative = (host: string) =>
  isIPv4(host) ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, Buffer.from(host))

function certificate(
  subject: string,
  publicKey: KeyObject,
  by: { readonly name: string; readonly key: KeyObject },
  extensions: readonly Buffer[],
): string {
  const content = sequence(
    tlv(0xa0, Buffer.from('020102', 'hex')),
    tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    nameOf(by.name),
    sequence(instant('200101000000Z'), instant('490101000000Z')),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', content, by.key)
  const der = sequence(content, ecdsaWithSha256, tlv(0x03, Buffer.from([0]), signature))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()

/** An authority that nobody trusts, but who is given its certificate. */
export function createAuthority(name: string): Authority {
  const { publicKey, privateKey } = newKey()
  const by = { name, key: privateKey }
  const isAuthority = extension('551d13', true, sequence(Buffer.from('0101ff', 'hex')))
  return {
    cert: certificate(name, publicKey, by, [isAuthority]),
    key: pem(privateKey),
    certify: (hosts) => {
      const own = newKey()
      const names = extension('551d11', false, sequence(...hosts.map(alternative)))
      return {
        cert: certificate(hosts[0] as string, own.publicKey, by, [names]),
        key: pem(createPrivateKey(pem(own.privateKey))),
      }
    },
  }
}
