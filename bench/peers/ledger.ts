/**
 * The ledger that all peers post to: Spillway's own tables, so that rows cost and count the same. A
 * peer has no envelopes; the envelope's number is the sequence of acceptance, the position 0. That a
 * declaration is posted once, however often it is delivered, is a unique key on its id.
 */
import pg from 'pg'
import { amountColumns } from '../../src/ledger/amount-columns.ts'
import { createPersonIndex } from '../../src/ledger/person.ts'
import { type PreparedDeclaration, prepareDeclaration } from '../../src/ledger/prepare.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { readPolicies } from '../../src/platform/config/packs.ts'
import { openPool, postingRole } from '../../src/platform/postgres/postgres.ts'
import { lineStride } from '../../src/policy/assess.ts'
import type { ValidFiling } from '../../src/policy/check.ts'
import { insurances } from '../../src/policy/pack.ts'
import { type Filed, postingAtATime } from './filed.ts'

export type Ledger = ReturnType<typeof openLedger>

/** What a peer needs of Spillway's migrated schema besides. */
export async function prepareLedger(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('create unique index declaration_once on ledger.declaration (id)')
  await client.query(`grant insert, update on ledger.in_force to ${postingRole}`)
  await client.end()
}

export function openLedger(databaseUrl: string, keyringFile: string) {
  const policies = readPolicies(undefined)
  const personIndex = createPersonIndex(readKeyring(keyringFile).blindIndexSecret)
  const pool = openPool({
    url: databaseUrl,
    name: 'peer',
    connectionsMax: postingAtATime,
    statementMsMax: 10_000,
    role: postingRole,
  })
  return {
    policies,
    pool,
    /** Checks and assesses what a queue delivered, by the function of Spillway's workers. */
    prepare: ({ id, sequence, acceptedAtMicros, declaration }: Filed): PreparedDeclaration =>
      prepareDeclaration({ policies, personIndex }, BigInt(sequence), {
        id,
        position: 0,
        acceptedAtMicros,
        policyHash: undefined,
        declaration,
      }),
    /** Assesses what this very request has checked. */
    assess: (filed: Filed, valid: ValidFiling, findings: PreparedDeclaration['findings']) => ({
      ...filed,
      envelope: BigInt(filed.sequence),
      position: 0,
      policyHash: valid.rules.hash,
      findings,
      assessment: valid.assess(),
      persons: (filed.declaration.lines ?? []).map(({ person }) => personIndex(person)),
    }),
  }
}

const amounts = amountColumns.join(', ')

/** Columns of a flat array of fen that has `lineStride` numbers for each row. */
const fenOf = (parameter: string) =>
  Array.from(
    { length: lineStride },
    (_, k) => `(${parameter}::bigint[])[${lineStride} * (n - 1) + ${k + 1}]`,
  ).join(',\n      ')

/**
 * Declarations with their lines, and what is in force, in one statement: one round trip and one
 * transaction. On conflict nothing of a declaration is written: it was posted before. Rows of what is
 * in force are sorted, so that two statements can't deadlock.
 */
export const postStatement = {
  name: 'post-declarations',
  text: `
    with filed as (
      insert into ledger.declaration (
        envelope, position, id, employer, period, region, kind, lines, policy_hash, provisional,
        findings, occupational_injury_employer_fen, ${amounts}
      )
      select
        d.sequence, 0, d.id, d.employer, d.period, d.region, d.kind, d.lines, d.policy_hash,
        d.provisional, d.findings,
        ${fenOf('$11')}
      from unnest(
        $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[],
        $8::text[], $9::boolean[], $10::text[]
      ) with ordinality as d (
        sequence, id, employer, period, region, kind, lines, policy_hash, provisional, findings, n
      )
      on conflict (id) do nothing
      returning envelope, employer, period, region
    ), lines as (
      insert into ledger.line (
        envelope, position, line, person, category, change, wage_fen, ${amounts}
      )
      select
        l.sequence, 0, l.line, decode(l.person, 'hex'), l.category, l.change,
        ${fenOf('$17')}
      from unnest($12::bigint[], $13::integer[], $14::text[], $15::text[], $16::text[])
        with ordinality as l (sequence, line, person, category, change, n)
      where l.sequence in (select envelope from filed)
    )
    insert into ledger.in_force as held (employer, period, region, envelope, position)
    select distinct on (employer, period, region) employer, period, region, envelope, 0
    from filed
    order by employer, period, region, envelope desc
    on conflict (employer, period, region) do update
    set envelope = excluded.envelope, position = excluded.position
    where (excluded.envelope, excluded.position) > (held.envelope, held.position)`,
}

/** The parameters of `postStatement`. */
export function postValues(prepared: readonly PreparedDeclaration[]): unknown[] {
  const lines = prepared.flatMap(({ envelope, declaration, persons }) =>
    (declaration.lines ?? []).map((line, i) => ({ envelope, line, i, person: persons[i] })),
  )
  return [
    prepared.map(({ envelope }) => envelope),
    prepared.map(({ id }) => id),
    prepared.map(({ declaration }) => declaration.employer),
    prepared.map(({ declaration }) => declaration.period),
    prepared.map(({ declaration }) => declaration.region),
    prepared.map(({ declaration }) => declaration.kind),
    prepared.map(({ declaration }) => declaration.lines?.length ?? 0),
    prepared.map(({ policyHash }) => policyHash),
    prepared.map(({ assessment }) => assessment.provisionalReasons.length > 0),
    prepared.map(({ findings }) => findings.map(({ code, count }) => `${code} ${count}`).join(',')),
    prepared.flatMap(({ assessment }) => totalsOf(assessment.amounts)),
    lines.map(({ envelope }) => envelope),
    lines.map(({ i }) => i),
    lines.map(({ person }) => person),
    lines.map(({ line }) => line.category),
    lines.map(({ line }) => (line.category === 'platform' ? 'none' : line.change)),
    prepared.flatMap(({ assessment }) => assessment.linesFen),
  ]
}

/** `lineStride` numbers: the occupational injury of platforms, then three for each insurance. */
function totalsOf(amounts: PreparedDeclaration['assessment']['amounts']): number[] {
  const totals = [amounts[insurances.length]?.employerFen ?? 0]
  for (let k = 0; k < insurances.length; k += 1) {
    const { baseFen = 0, employerFen = 0, employeeFen = 0 } = amounts[k] ?? {}
    totals.push(baseFen, employerFen, employeeFen)
  }
  return totals
}
