/**
 * `npm run bench:reading [-- --json]`: what a lookup takes that sees the rows of those alone for whom it reads,
 * and one that sees all rows, which takes turns with it on a connection of its own. Of a filer of one employer,
 * of one with 500, and of staff.
 */
import pg from 'pg'
import { createAcceptGroup } from '../src/journal/accept.ts'
import { type Filing, fileDeclaration } from '../src/journal/filing.ts'
import { findAcceptances } from '../src/journal/reading/find.ts'
import type { Reach } from '../src/journal/reading/reach.ts'
import { type Queryable, ReadPool } from '../src/journal/reading/read-pool.ts'
import { createPersonIndex } from '../src/ledger/person.ts'
import { createPosting } from '../src/ledger/post.ts'
import { findStanding, listStandings } from '../src/ledger/status.ts'
import { activeKeys, type Keyring, readKeyring } from '../src/platform/config/key-store.ts'
import { readPolicies } from '../src/platform/config/packs.ts'
import {
  inTransaction,
  openPool,
  postingRole,
  type Role,
  readingRole,
} from '../src/platform/postgres/postgres.ts'
import { benchArguments } from './support/arguments.ts'
import { createGenerator } from './support/generator.ts'
import { type Figure, median, report } from './support/report.ts'
import { startServices } from './support/services.ts'

const declarations = Number(process.env.BENCH_DECLARATIONS ?? 10_000)
const reads = Number(process.env.BENCH_READS ?? 2_000)
const groupSize = 50
const manyEmployers = 500
const generator = createGenerator(1)

type Filed = { readonly id: string; readonly employer: string }
type Look = (reader: Queryable, one: Filed, reach: Reach) => Promise<unknown>

async function main(): Promise<void> {
  benchArguments('bench:reading', {})
  const services = await startServices()
  try {
    const keyring = readKeyring(services.keyringFile)
    const open = (role: Role) =>
      openPool({
        ...{ url: services.databaseUrl, name: 'bench', connectionsMax: 1 },
        ...{ statementMsMax: 60_000, role, searchPath: 'ledger,journal' },
      })
    const [posting, plain, reading] = [open(postingRole), open('spillway_app'), open(readingRole)]
    const filed = await fileAll(posting, keyring)
    const owner = new pg.Client({ connectionString: services.ownerUrl })
    await owner.connect()
    await owner.query('vacuum analyze')
    await owner.end()
    const figures = await compare(filed, plain, new ReadPool(reading), keyring)
    for (const pool of [posting, plain, reading]) await pool.end()
    report('bench:reading', figures)
  } finally {
    await services.stop()
  }
}

async function fileAll(
  pool: ReturnType<typeof openPool>,
  keyring: Keyring,
): Promise<readonly Filed[]> {
  const policies = readPolicies(undefined)
  const accept = createAcceptGroup({
    ...{ pool, ...activeKeys(keyring), environment: () => 'bench', lane: 'filing' },
  })
  const post = createPosting({
    ...{ pool, inTransaction, sealingKeys: keyring.sealingKeys, policies },
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    isDataFault: () => false,
  })
  const filed: Filed[] = []
  const employers = Array.from({ length: declarations / 10 }, () => generator.employer())
  for (let i = 0; i < declarations; i += groupSize) {
    const group = Array.from({ length: groupSize }, (_, k): Filing => {
      const month = String(1 + Math.floor((i + k) / employers.length)).padStart(2, '0')
      const period = `2024-${month}`
      const employer = employers[(i + k) % employers.length] as string
      const declaration = { ...generator.declaration({ period, lines: 5 }), employer }
      const rules = policies.rulesFor(declaration.region, period)
      if (rules.kind !== 'rules') throw new Error('no rules')
      const acceptedAtMicros = Date.now() * 1_000
      return fileDeclaration({
        ...{ declaration, rules, key: `bench-${i + k}`, acceptedAtMicros, expects: 'anything' },
      })
    })
    await post((await accept(group)).envelope as bigint)
    filed.push(...group.map(({ id, employer }) => ({ id, employer })))
  }
  return filed
}

async function compare(
  filed: readonly Filed[],
  plain: Queryable,
  reading: ReadPool,
  { salts }: Keyring,
): Promise<Figure[]> {
  const looks: Record<string, Look> = {
    status: (reader, { id }, reach) => findStanding(reader, id, reach),
    receipt: (reader, { id }, reach) => findAcceptances(reader, salts, [id], reach),
    list: (reader, { employer }, reach) =>
      listStandings(reader, {
        ...{ employer, period: undefined, region: undefined, before: undefined, limit: 21, reach },
      }),
  }
  const some = filed.slice(0, manyEmployers).map(({ employer }) => employer)
  const many: Reach = { employers: some, regions: [] }
  const staff: Reach = { employers: [], regions: ['34%'] }
  const ones = new Map(
    filed.map(({ employer }) => [employer, { employers: [employer], regions: [] }]),
  )
  const reaches: Record<string, (one: Filed) => Reach> = {
    'of one employer': ({ employer }) => ones.get(employer) as Reach,
    [`of ${manyEmployers}`]: () => many,
    'of staff': () => staff,
  }
  const figures: Figure[] = []
  for (const [what, look] of Object.entries(looks))
    for (const [whose, reachOf] of Object.entries(reaches)) {
      const micros = { all: [] as number[], own: [] as number[] }
      for (let i = 0; i < reads + 50; i += 1) {
        const one = filed[(i * 7919) % manyEmployers] as Filed
        const reach = reachOf(one)
        const turns = [
          ['all', plain],
          ['own', reading.within(reach)],
        ] as const
        for (const [which, reader] of i % 2 === 0 ? turns : [...turns].reverse()) {
          const began = performance.now()
          await look(reader, one, reach)
          if (i >= 50) micros[which].push(1_000 * (performance.now() - began))
        }
      }
      const [all, own] = [median(micros.all), median(micros.own)]
      figures.push(
        { figure: `${what}, ${whose}: sees all`, value: all, unit: 'µs' },
        { figure: `${what}, ${whose}: sees its own`, value: own, unit: 'µs' },
      )
    }
  return figures
}

await main()
