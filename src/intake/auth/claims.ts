/**
 * What a verified token says of its holder. Identity providers name their claims as they like, within each
 * other too, and write a list as an array or as a text with spaces between.
 */
import { hash } from 'node:crypto'
import type { Patterns, Reach } from '../../journal/reading/reach.ts'
import { subjectCharactersMax, tokenIdCharactersMax } from '../../limits.ts'
import {
  type Act,
  acts,
  isOfRegions,
  namesEmployers,
  patternOfRegion,
  type Role,
  reachOf,
  rolesOf,
} from './roles.ts'

/** Names of claims; `a.b` is `b` within `a`, unless a claim has that name. */
export type ClaimNames = {
  readonly scope: string
  readonly employers: string
  readonly roles: string
  readonly regions: string
}

export const claimNames: ClaimNames = {
  scope: 'scope',
  employers: 'employers',
  roles: 'roles',
  regions: 'regions',
}

/** Who is asking, by the token. */
export type Filer = {
  readonly issuer: string
  readonly subject: string
  /** `jti`, where the token has one; of a long one the hash. */
  readonly tokenId: string | undefined
  /** That it may file for, or look at. */
  readonly employers: ReadonlySet<string>
  readonly scopes: ReadonlySet<string>
  readonly roles: readonly Role[]
  /** Patterns: it may file for these alone; for any unless given. */
  readonly regions: Patterns | undefined
  /** Of each act; undefined where none of its roles may. */
  readonly reach: Readonly<Record<Act, Reach | undefined>>
  readonly expiresAtMs: number
}

/** A claim that a token lacks, or that is not as it should be. */
export type ClaimFault = { readonly claim: string; readonly fault: 'missing' | 'malformed' }

type Payload = Readonly<Record<string, unknown>>

export function filerOf(payload: Payload, issuer: string, names: ClaimNames): Filer | ClaimFault {
  const { exp } = payload
  if (typeof exp !== 'number') return { claim: 'exp', fault: 'missing' }
  const subject = subjectOf(payload)
  if (typeof subject !== 'string') return subject
  const scopes = listOf(payload, names.scope)
  if (!Array.isArray(scopes)) return scopes
  const held = heldRoles(payload, names.roles)
  if (!Array.isArray(held)) return held
  const employers = namesEmployers(held) ? listOf(payload, names.employers) : []
  if (!Array.isArray(employers)) return employers
  const regions = regionsOf(payload, names.regions)
  const isAny = 'fault' in regions && regions.fault === 'missing' && !isOfRegions(held)
  if ('fault' in regions && !isAny) return regions
  const within = 'fault' in regions ? undefined : regions
  const reach = acts.map((act) => [
    act,
    reachOf(act, held, { employers, ...(within && { regions: within }) }),
  ])
  return {
    ...{ issuer, subject, roles: held, tokenId: tokenIdOf(payload) },
    employers: new Set(employers),
    scopes: new Set(scopes),
    regions: within,
    reach: Object.fromEntries(reach) as Filer['reach'],
    expiresAtMs: exp * 1_000,
  }
}

function subjectOf({ sub }: Payload): string | ClaimFault {
  // Files and slots are a subject's own, and a denial names one: nobody is no subject.
  if (sub === undefined || sub === null || sub === '') return { claim: 'sub', fault: 'missing' }
  const malformed = { claim: 'sub', fault: 'malformed' } as const
  if (typeof sub !== 'string') return malformed
  // Postgres keeps no NUL, and no index takes any length: nothing could be kept as this filer's.
  if (sub.includes('\0') || sub.length > subjectCharactersMax) return malformed
  // Written in another encoding, or broken: two subjects would be one.
  if (sub.includes('\ufffd') || !sub.isWellFormed()) return malformed
  return sub
}

/** What the token is known by to its issuer: told, and never a reason to refuse it. */
export function tokenIdOf({ jti }: Payload): string | undefined {
  if (typeof jti !== 'string' || jti === '') return undefined
  const isPlain = jti.length <= tokenIdCharactersMax && /^[\x21-\x7e]*$/.test(jti)
  return isPlain ? jti : `sha256:${hash('sha256', jti, 'hex')}`
}

/** A token without roles is a filer's: what it may do, its scopes and employers say. */
function heldRoles(payload: Payload, name: string): Role[] | ClaimFault {
  const named = listOf(payload, name)
  if (Array.isArray(named)) return rolesOf(named)
  return named.fault === 'missing' ? ['filer'] : named
}

function regionsOf(payload: Payload, name: string): string[] | ClaimFault {
  const codes = listOf(payload, name)
  if (!Array.isArray(codes)) return codes
  const patterns = codes.map(patternOfRegion)
  const known = patterns.filter((pattern) => pattern !== undefined)
  return known.length === codes.length ? known : { claim: name, fault: 'malformed' }
}

function listOf(payload: Payload, name: string): string[] | ClaimFault {
  const value = claimOf(payload, name)
  if (value === undefined || value === null) return { claim: name, fault: 'missing' }
  if (typeof value === 'string') return value.split(' ').filter((one) => one !== '')
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string')
  return isList ? value : { claim: name, fault: 'malformed' }
}

function claimOf(payload: Payload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  let found: unknown = payload
  for (const part of name.split('.')) {
    const isObject = typeof found === 'object' && found !== null && Object.hasOwn(found, part)
    if (!isObject) return undefined
    found = (found as Payload)[part]
  }
  return found
}
