/** Reassessing in tests: what is filed, ordered and posted with packs of limits, and how it stands then. */

import type { Declaration } from '../../src/declaration/schema.ts'
import { type AcceptGroup, createAcceptGroup } from '../../src/journal/accept.ts'
import { recordPacks } from '../../src/journal/policy-packs.ts'
import {
  type Change,
  reassessAll,
  type SkipReason,
} from '../../src/ledger/reassessment/reassess.ts'
import { assessDeclaration } from '../../src/policy/assess.ts'
import type { PolicyPack } from '../../src/policy/pack.ts'
import type { Policies } from '../../src/policy/rules.ts'
import { declare, filingOf, type Journal } from './journal.ts'
import { hefei } from './packs.ts'

/** The limits of 2024 as another notice might have had them. */
export function withFloor(floor: string, status: 'final' | 'provisional' = 'final'): PolicyPack {
  const limits = hefei.limits.map((row) =>
    row.from === '2024-01' ? { ...row, floor, status } : row,
  )
  return { ...hefei, limits }
}

export function wages(list: readonly string[], period = '2024-11'): Declaration {
  const declaration = declare({ lines: list.length, period })
  const lines = declaration.lines?.map((line, i) => ({ ...line, wage: list[i] as string }))
  return { ...declaration, lines: lines as Declaration['lines'] & object }
}

export async function acceptAndPost(
  journal: Journal,
  declaration: Declaration,
  key: string,
): Promise<string> {
  const filing = filingOf(declaration, key)
  const { envelope } = await journal.openWriter()([filing])
  await journal.post(envelope as bigint)
  return filing.id
}

export type Reassessing = {
  readonly dryRun?: boolean
  readonly post?: boolean
  readonly accept?: (accept: AcceptGroup) => AcceptGroup
  readonly from?: string
  readonly to?: string
}

/** Reassesses with these policies; orders are accepted, and posted unless they are to wait. */
export async function reassess(journal: Journal, later: Policies, how: Reassessing = {}) {
  const { pool, keyring } = journal
  const { dryRun = false, post = true, from = '2024-01', to = '2024-12' } = how
  const [signer] = keyring.receiptKeys
  const [sealingKey] = keyring.sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  const { salts } = keyring
  const writer = {
    pool,
    signer,
    sealingKey,
    salts,
    environment: () => 'test',
    lane: 'bulk',
  } as const
  const acceptGroup = createAcceptGroup(writer)
  const changes: Change[] = []
  const skipped: SkipReason[] = []
  const envelopes: bigint[] = []
  const counted: AcceptGroup = async (group) => {
    const result = await (how.accept?.(acceptGroup) ?? acceptGroup)(group)
    if (result.envelope !== undefined) envelopes.push(result.envelope)
    return result
  }
  if (!dryRun) await recordPacks(pool, later)
  const policyHash = later.current.get('340100')?.hash ?? ''
  await reassessAll(
    {
      pool,
      sealingKeys: keyring.sealingKeys,
      policies: later,
      nowMicros: () => 1_760_000_000_000_000,
      acceptGroup: dryRun ? undefined : counted,
      onChange: (change) => changes.push(change),
      onSkipped: (_, reason) => skipped.push(reason),
    },
    { region: '340100', from, to, policyHash },
  )
  // The journal's own worker knows the shipped packs alone; the rest it finds in the journal.
  if (post) for (const envelope of envelopes) await journal.post(envelope)
  return { changes, skipped, envelopes }
}

/** What a declaration comes to with its differences: employer and employee, in fen. */
export async function standing({ database }: Journal, id: string): Promise<object | undefined> {
  const { rows } = await database.owner.query(
    `with places as (
       select envelope, position from ledger.declaration where id = $1
       union all
       select r.envelope, r.position
       from ledger.reassessment r
       join ledger.declaration d
         on d.envelope = r.declaration_envelope and d.position = r.declaration_position
       where d.id = $1
     )
     select sum(employer_fen)::int as employer, sum(employee_fen)::int as employee
     from ledger.amount join places using (envelope, position)`,
    [id],
  )
  return rows[0]
}

export function assessed(declaration: Declaration, later: Policies) {
  const rules = later.rulesFor('340100', declaration.period)
  if (rules.kind !== 'rules') throw new Error(rules.kind)
  const { amounts } = assessDeclaration(declaration, rules)
  const sum = (side: 'employerFen' | 'employeeFen') =>
    amounts.reduce((total, amount) => total + amount[side], 0)
  return { employer: sum('employerFen'), employee: sum('employeeFen') }
}
