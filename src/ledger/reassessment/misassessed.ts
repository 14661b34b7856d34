/**
 * Finds misassessed declarations: one whose amounts, with the reassessments in effect, differ from its
 * assessment from the journal under the pack of the last of them. Replay and the auditor use it, in their
 * snapshot.
 */
import type pg from 'pg'
import { EnvelopeError, type EnvelopeKey } from '../../journal/envelope.ts'
import { loadPacks } from '../../journal/policy-packs.ts'
import {
  type AcceptedDeclaration,
  type OpenedEnvelope,
  readEnvelope,
} from '../../journal/reading/read.ts'
import { JournalReader } from '../../journal/reading/reader.ts'
import { outdatedPageMax } from '../../limits.ts'
import { assessDeclaration } from '../../policy/assess.ts'
import type { Policies } from '../../policy/rules.ts'
import { otherPartsBy } from '../parts-before.ts'

export type MisassessedDependencies = {
  readonly client: Pick<pg.Pool, 'query'>
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly policies: Policies
}

export type Misassessed = { readonly id: string; readonly why: string }

type Fen = readonly [base: number, employer: number, employee: number]

type Row = {
  id: string
  envelope: string
  position: number
  policy_hash: string
  /** Of the declaration and of each of its reassessments, by insurance. */
  amounts: (readonly [insurance: string, ...Fen])[]
}

/** Goes through all declarations that were reassessed, in the journal's order. */
export async function* findMisassessed(
  dependencies: MisassessedDependencies,
): AsyncGenerator<Misassessed> {
  const { client, policies } = dependencies
  let after = { envelope: '0', position: -1 }
  for (;;) {
    const rows = await readReassessed(client, after)
    const wanted = new Set(rows.map(({ id }) => id))
    let opened: OpenedEnvelope | undefined
    await loadPacks(
      client,
      policies,
      rows.map(({ policy_hash: hash }) => hash),
    )
    for (const row of rows) {
      const number = BigInt(row.envelope)
      if (opened?.number !== number) opened = await openUnlessDamaged(dependencies, number, wanted)
      const accepted = opened?.accepted.find(({ id }) => id === row.id)
      const why = await faultOf(dependencies, row, accepted)
      if (why !== undefined) yield { id: row.id, why }
    }
    const last = rows.at(-1)
    if (last === undefined) return
    after = last
  }
}

/** Undefined also for one that can't be opened: the rest is checked all the same. */
async function openUnlessDamaged(
  { client, sealingKeys }: MisassessedDependencies,
  number: bigint,
  wanted: ReadonlySet<string>,
): Promise<OpenedEnvelope | undefined> {
  try {
    return await readEnvelope(client, sealingKeys, number, wanted)
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined
    throw error
  }
}

async function readReassessed(
  client: MisassessedDependencies['client'],
  after: { readonly envelope: string; readonly position: number },
): Promise<Row[]> {
  const amountsAt = (place: string) => `(
    select json_agg(json_build_array(m.insurance, m.base_fen, m.employer_fen, m.employee_fen))
    from ledger.amount m
    where m.envelope = ${place}.envelope and m.position = ${place}.position
  )`
  const { rows } = await client.query<
    Omit<Row, 'amounts'> & { own: Row['amounts'] | null; more: (Row['amounts'] | null)[] }
  >({
    name: 'read-reassessed',
    text: `
      with reassessed as (
        select distinct declaration_envelope as envelope, declaration_position as position
        from ledger.reassessment
        where (declaration_envelope, declaration_position) > ($1::bigint, $2::integer)
        order by 1, 2
        limit $3
      )
      select d.id, d.envelope, d.position, ${amountsAt('d')} as own, r.more, r.hashes[1] as policy_hash
      from reassessed e
      join ledger.declaration d on d.envelope = e.envelope and d.position = e.position
      cross join lateral (
        select
          json_agg(${amountsAt('r')}) as more,
          array_agg(r.policy_hash order by r.envelope desc, r.position desc) as hashes
        from ledger.reassessment r
        where r.declaration_envelope = d.envelope and r.declaration_position = d.position
      ) r
      order by d.envelope, d.position`,
    values: [after.envelope, after.position, outdatedPageMax],
  })
  return rows.map(({ own, more, ...row }) => {
    return { ...row, amounts: [own, ...more].flatMap((amounts) => amounts ?? []) }
  })
}

/** Undefined where it stands as it should. */
async function faultOf(
  { client, sealingKeys, policies }: MisassessedDependencies,
  { policy_hash: hash, amounts }: Row,
  accepted: AcceptedDeclaration | undefined,
): Promise<string | undefined> {
  if (accepted === undefined) return 'it was reassessed, and cannot be read from the journal'
  const { declaration, part } = accepted
  const rules = policies.rulesOf(hash, declaration.period)
  if (rules?.kind !== 'rules') return `the pack ${hash} that it was reassessed with is not known`
  try {
    const [others] = await otherPartsBy(new JournalReader(client, sealingKeys), part, [rules])
    const assessed = assessDeclaration(declaration, rules, undefined, others).amounts.map(
      ({ insurance, baseFen, employerFen, employeeFen }) =>
        [insurance, baseFen, employerFen, employeeFen] as const,
    )
    const [should, is] = [textOf(assessed), textOf(amounts)]
    return should === is ? undefined : `it stands at ${is} instead of ${should}`
  } catch (error) {
    if (error instanceof EnvelopeError) return 'one of its parts cannot be read from the journal'
    if (error instanceof RangeError) return `its last pack ${hash} does not offer what it names`
    throw error
  }
}

/** Sums of base, employer and employee in fen by insurance, without those that are nothing. */
function textOf(amounts: Row['amounts']): string {
  const sums = new Map<string, number[]>()
  for (const [insurance, ...fen] of amounts) {
    const sum = sums.get(insurance) ?? [0, 0, 0]
    sums.set(
      insurance,
      sum.map((value, i) => value + (fen[i] as number)),
    )
  }
  return [...sums]
    .filter(([, sum]) => sum.some((fen) => fen !== 0))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([insurance, sum]) => `${insurance} ${sum.join('/')}`)
    .join(', ')
}
