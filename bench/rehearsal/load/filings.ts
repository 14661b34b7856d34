/**
 * Filings, made before the day begins: what is measured is the system, not how fast declarations are
 * made up. Of synthetic employers and persons; numbers have valid check digits and belong to nobody.
 */
import { canonicalDeclaration } from '../../../src/declaration/canonical.ts'
import type { Declaration } from '../../../src/declaration/schema.ts'
import { issueToken } from '../../../src/intake/auth/issue-token.ts'
import { digestOf } from '../../../src/journal/digest.ts'
import { readKeyring } from '../../../src/platform/config/key-store.ts'
import type { Policies } from '../../../src/policy/rules.ts'
import type { Generator } from '../../support/generator.ts'
import { expectedFen } from '../../support/recording-client.ts'
import type { Profile } from '../profile.ts'

export type Filer = { readonly employer: string; readonly authorization: string }

export type PreparedFiling = Filer & {
  readonly declaration: Declaration
  /** Bytes as latin1, as connections send them. */
  readonly body: string
  readonly digest: string
  /** What must be posted; empty where the installation's policy is not known. */
  readonly fen: readonly number[]
  readonly faulty: boolean
}

/** Who may file: anybody, with tokens of the engine's own key; or those that tokens name. */
export type Filers =
  | { readonly keyringFile: string }
  | {
      readonly tokens: readonly { readonly token: string; readonly employers: readonly string[] }[]
    }

/** An own token for each synthetic employer, or the tokens' employers, in turn. */
export async function findFilers(
  filers: Filers,
  count: number,
  generator: Generator,
): Promise<Filer[]> {
  if ('tokens' in filers) {
    return filers.tokens.flatMap(({ token, employers }) =>
      employers.map((employer) => ({ employer, authorization: `Bearer ${token}` })),
    )
  }
  const [key] = readKeyring(filers.keyringFile).tokenKeys
  if (key === undefined) throw new Error('the keyring has no token key')
  return Promise.all(
    Array.from({ length: count }, async () => {
      const employer = generator.employer()
      const scopes = ['declarations:write', 'declarations:read']
      const token = await issueToken(
        { key, issuer: 'spillway', audience: 'spillway' },
        { subject: employer, employers: [employer], scopes, ttlSeconds: 172_800 },
      )
      return { employer, authorization: `Bearer ${token}` }
    }),
  )
}

export type FilingOptions = {
  readonly profile: Pick<Profile, 'lines'>
  readonly period: string
  readonly policies: Policies | undefined
}

export function prepareFiling(
  { profile, period, policies }: FilingOptions,
  filer: Filer,
  generator: Generator,
  faulty: boolean,
): PreparedFiling {
  const lines = lineCount(profile, generator)
  const sound = generator.declaration({ employer: filer.employer, period, lines })
  const declaration = faulty ? withFault(sound) : sound
  return sealed({ filer, declaration, policies, faulty })
}

/** The same people, the first with another wage, in place of what was filed before. */
export function correctionOf(
  { declaration, ...filing }: PreparedFiling,
  replaces: string,
  policies: Policies | undefined,
): PreparedFiling {
  const [first, ...others] = declaration.lines ?? []
  const lines = first === undefined ? [] : [{ ...first, wage: '6789.00' }, ...others]
  const correction = { ...declaration, kind: 'correction', replaces, lines } as Declaration
  return sealed({ filer: filing, declaration: correction, policies, faulty: false })
}

type Unsealed = Pick<PreparedFiling, 'declaration' | 'faulty'> & {
  readonly filer: Filer
  readonly policies: Policies | undefined
}

function sealed({ filer, declaration, policies, faulty }: Unsealed): PreparedFiling {
  return {
    employer: filer.employer,
    authorization: filer.authorization,
    declaration,
    body: Buffer.from(JSON.stringify(declaration)).toString('latin1'),
    digest: digestOf(Buffer.from(canonicalDeclaration(declaration))).toString('hex'),
    fen: policies === undefined || faulty ? [] : expectedFen(policies, declaration),
    faulty,
  }
}

function lineCount({ lines }: Pick<Profile, 'lines'>, generator: Generator): number {
  let left = generator.random()
  for (const { share, min, max } of lines.value) {
    if (left < share) return generator.integer(min, max)
    left -= share
  }
  return lines.value[0]?.min ?? 1
}

/** A wrong check digit, the commonest fault there is. */
function withFault(declaration: Declaration): Declaration {
  const [first, ...others] = declaration.lines ?? []
  if (first === undefined) return declaration
  const { idNumber } = first.person
  const wrong = idNumber.slice(0, -1) + (idNumber.endsWith('1') ? '2' : '1')
  return {
    ...declaration,
    lines: [{ ...first, person: { ...first.person, idNumber: wrong } }, ...others],
  } as Declaration
}
