/** The journal and the ledger on a test's own database, without processes or HTTP. */
import type pg from 'pg'
import { inject } from 'vitest'
import type { DeclarationOptions } from '../../bench/support/generator.ts'
import type { Part } from '../../src/declaration/part.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { type Filing, fileDeclaration } from '../../src/journal/filing.ts'
import type { Expectation } from '../../src/journal/latest-declaration.ts'
import { createPersonIndex } from '../../src/ledger/person.ts'
import { createPosting, type PostDependencies } from '../../src/ledger/post.ts'
import { databaseFault } from '../../src/platform/command/sqlstate.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import {
  inTransaction,
  openPool,
  postingRole,
  readingRole,
} from '../../src/platform/postgres/postgres.ts'
import type { PeriodRules } from '../../src/policy/rules.ts'
import { createDatabase } from './database.ts'
import { fileGenerator } from './generators.ts'
import { hefei, policiesOf, wuhu } from './packs.ts'

/** Of two regions: an employer has branches in both. */
export const policies = policiesOf(hefei, wuhu)

export const generator = fileGenerator(20_241_123)

/** A synthetic declaration; members in `more` replace generated ones. */
export function declare(
  options: Partial<DeclarationOptions> = {},
  more: Partial<Declaration> = {},
): Declaration {
  return { ...generator.declaration({ period: '2024-11', lines: 2, ...options }), ...more }
}

/** Declarations of one employer, each of an earlier period: of each, one regular one is accepted. */
export function declareInTurn(employer: string): () => Declaration {
  let months = 0
  return () => {
    months += 1
    const year = 2024 - Math.floor((months + 1) / 12)
    const month = 12 - ((months + 1) % 12)
    return declare({ employer, period: `${year}-${String(month).padStart(2, '0')}` })
  }
}

export function rulesOf(region: string, period: string): PeriodRules {
  const rules = policies.rulesFor(region, period)
  if (rules.kind !== 'rules') throw new Error(`no rules for ${region} ${period}`)
  return rules
}

/** A filing as intake would submit it. */
export function filingOf(
  declaration: Declaration,
  key: string,
  part?: Part,
  expects: Expectation = 'anything',
): Filing {
  const rules = rulesOf(declaration.region, declaration.period)
  const acceptedAtMicros = rules.deadlineMicros - 86_400_000_000 + 123_456
  return fileDeclaration({
    declaration,
    rules,
    key,
    acceptedAtMicros,
    expects,
    ...(part && { part }),
  })
}

/** A database with what accepts into it and posts from it. */
export async function openJournal(more: Partial<PostDependencies> = {}) {
  const database = await createDatabase()
  const keyring = readKeyring(inject('keyringFile'))
  const pool = openPool({
    url: database.url,
    name: 'test',
    connectionsMax: 8,
    statementMsMax: 20_000,
    role: postingRole,
    searchPath: 'ledger,journal',
  })
  const readPool = openPool({
    url: database.url,
    name: 'test-read',
    connectionsMax: 5,
    statementMsMax: 20_000,
    role: readingRole,
  })
  const [signer] = keyring.receiptKeys
  const [sealingKey] = keyring.sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  /** A writer of its own, as each intake process is. */
  const openWriter = (through: pg.Pool = pool) =>
    createAcceptGroup({
      pool: through,
      signer,
      sealingKey,
      salts: keyring.salts,
      environment: () => 'test',
      lane: 'filing',
    })
  const posting: PostDependencies = {
    pool,
    inTransaction,
    sealingKeys: keyring.sealingKeys,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    policies,
    isDataFault: (error) => databaseFault(error) === 'data',
    ...more,
  }
  return {
    database,
    pool,
    /** As lookups of an intake have it: sees nothing, but for whom a statement reads. */
    readPool,
    keyring,
    openWriter,
    posting,
    post: createPosting(posting),
    close: async () => {
      await Promise.all([pool.end(), readPool.end()])
      await database.drop()
    },
  }
}

export type Journal = Awaited<ReturnType<typeof openJournal>>

/** All rows of the ledger as text, without what tells when they were written. */
export async function ledgerText(owner: { query: (sql: string) => Promise<{ rows: object[] }> }) {
  const tables = {
    posting: 'envelope, lane, declarations',
    declaration: '*',
    line: '*',
    reassessment: '*',
    reassessment_line: '*',
    whole: '*',
    in_force: '*',
    last_cancellation: '*',
    dead_letter: 'envelope, position, id, code',
  }
  const text: string[] = []
  for (const [table, columns] of Object.entries(tables)) {
    const { rows } = await owner.query(`select ${columns} from ledger.${table} order by 1, 2, 3`)
    text.push(`${table} ${rows.length}`, ...rows.map((row) => JSON.stringify(row)))
  }
  return text.join('\n')
}
