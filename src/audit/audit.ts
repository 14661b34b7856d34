/**
 * The auditor: decides from a client's history and the database whether the promises were kept. It
 * reads the tables as they lie, and everything is read in one snapshot.
 */
import type pg from 'pg'
import { sha256Hex } from '../journal/digest.ts'
import type { EnvelopeKey } from '../journal/envelope.ts'
import type { PublicJwk } from '../journal/receipts/compact-jws.ts'
import type { Salts } from '../journal/salting.ts'
import { findMisassessed } from '../ledger/reassessment/misassessed.ts'
import { offendersNamedMax } from '../limits.ts'
import { createPolicies } from '../policy/rules.ts'
import { auditEnvelopes } from './envelopes.ts'
import { invariants, preparations, textColumns } from './invariants.ts'
import { type LoadedHistory, loadHistory } from './load.ts'

export type AuditDependencies = {
  /** Of somebody who may read everything; temporary tables are made in it. */
  readonly client: pg.Client
  readonly historyFile: string
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly publicKeys: readonly PublicJwk[]
  readonly salts: Salts
  readonly onProgress: (what: string) => void
}

export type Offender = { readonly what: string; readonly why: string }

export type InvariantVerdict = {
  readonly code: string
  readonly title: string
  readonly offenders: number
  /** The first of them. */
  readonly named: readonly Offender[]
}

export type AuditReport = {
  readonly history: LoadedHistory
  readonly envelopes: number
  readonly acceptances: number
  readonly verdicts: readonly InvariantVerdict[]
  readonly holds: boolean
}

const ofEnvelopes = {
  I7: 'every receipt that a client holds is proved by the journal, offline',
  I10: 'the journal is unbroken: content, signatures, leaves and chains',
} as const
const ofReassessed = 'what was reassessed stands as its last pack says'

/** Sorts and joins in memory up to this; beyond it, on disk. The auditor asks one thing at a time. */
const settings = "set local work_mem = '128MB'; set local jit = off"

/** Decides every invariant. */
export async function auditHistory(dependencies: AuditDependencies): Promise<AuditReport> {
  const { client, historyFile, onProgress } = dependencies
  onProgress('loading the history')
  const history = await loadHistory(client, historyFile, dependencies.salts)
  await client.query('begin isolation level repeatable read')
  const report = await auditSnapshot(dependencies, history)
  await client.query('rollback')
  return report
}

/** Decides them by what the client's transaction sees. */
export async function auditSnapshot(
  dependencies: Omit<AuditDependencies, 'historyFile'>,
  history: LoadedHistory,
): Promise<AuditReport> {
  const { client, onProgress } = dependencies
  await client.query(settings)
  for (const sql of preparations) await client.query(sql)
  const verdicts: InvariantVerdict[] = []
  for (const { code, title, sql } of invariants) {
    onProgress(`${code}: ${title}`)
    verdicts.push({ code, title, ...(await offendersOf(client, sql)) })
  }
  onProgress('I7, I10: opening every envelope')
  const found = { I7: new Offenders(), I10: new Offenders() }
  const { envelopes, acceptances } = await auditEnvelopes({
    ...dependencies,
    onOffender: (invariant, what, why) => found[invariant].add({ what, why }),
  })
  for (const code of ['I7', 'I10'] as const) {
    verdicts.push({ code, title: ofEnvelopes[code], ...found[code].verdict() })
  }
  onProgress('I11: looking for what is personal')
  const title = 'nothing personal outside sealed envelopes'
  verdicts.push({ code: 'I11', title, ...(await findPersonal(client, history.planted)) })
  onProgress(`I15: ${ofReassessed}`)
  verdicts.push({ code: 'I15', title: ofReassessed, ...(await findStandingWrongly(dependencies)) })
  verdicts.sort((one, other) => Number(one.code.slice(1)) - Number(other.code.slice(1)))
  const holds = verdicts.every(({ offenders }) => offenders === 0)
  return { history, envelopes, acceptances, verdicts, holds }
}

/** Every pack that it asks for is in the journal. */
async function findStandingWrongly({
  client,
  sealingKeys,
}: Pick<AuditDependencies, 'client' | 'sealingKeys'>) {
  const offenders = new Offenders()
  const policies = createPolicies({ packs: [], sha256Hex })
  for await (const { id, why } of findMisassessed({ client, sealingKeys, policies })) {
    offenders.add({ what: id, why })
  }
  return offenders.verdict()
}

class Offenders {
  #count = 0
  readonly #named: Offender[] = []

  add(offender: Offender): void {
    this.#count += 1
    if (this.#named.length < offendersNamedMax) this.#named.push(offender)
  }

  verdict(): Pick<InvariantVerdict, 'offenders' | 'named'> {
    return { offenders: this.#count, named: this.#named }
  }
}

async function offendersOf(client: pg.Client, sql: string) {
  const { rows } = await client.query<Offender & { total: string }>(
    `select what, why, count(*) over () as total from (${sql}) as found limit ${offendersNamedMax}`,
  )
  const named = rows.map(({ what, why }) => ({ what, why }))
  return { offenders: Number(rows[0]?.total ?? 0), named }
}

/** Rows with one of these texts, in clear or as the bytes of it. */
async function findPersonal(client: pg.Client, planted: readonly string[]) {
  const offenders = new Offenders()
  if (planted.length === 0) return offenders.verdict()
  const patterns = planted.flatMap((value) => [
    `%${value}%`,
    `%${Buffer.from(value).toString('hex')}%`,
  ])
  const { rows: columns } = await client.query<{ table: string; column: string }>(textColumns)
  for (const { table, column } of columns) {
    const { rows } = await client.query<{ count: string }>(
      `select count(*) from ${table} where "${column}"::text like any ($1::text[])`,
      [patterns],
    )
    const count = Number(rows[0]?.count)
    if (count > 0) offenders.add({ what: `${table}.${column}`, why: `${count} rows in clear` })
  }
  return offenders.verdict()
}
