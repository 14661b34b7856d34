/**
 * `npm run bench:access-log [-- --json]`: the CPU cost of the access log for each read, by filers and by
 * staff, and of storing who filed, for each declaration accepted and posted. Both forms take turns in one
 * process, A B B A, because two processes of the same program differ by a tenth.
 */
import autocannon from 'autocannon'
import { issueToken } from '../src/intake/auth/issue-token.ts'
import { createAcceptGroup } from '../src/journal/accept.ts'
import { attributionsOf } from '../src/journal/attribution.ts'
import { openEnvelope, sealEnvelope } from '../src/journal/envelope.ts'
import { type Filing, fileDeclaration } from '../src/journal/filing.ts'
import { createPersonIndex } from '../src/ledger/person.ts'
import { createPosting } from '../src/ledger/post.ts'
import { activeKeys, readKeyring } from '../src/platform/config/key-store.ts'
import { readPolicies } from '../src/platform/config/packs.ts'
import { inTransaction, openPool, postingRole } from '../src/platform/postgres/postgres.ts'
import { benchArguments } from './support/arguments.ts'
import { createGenerator } from './support/generator.ts'
import { cpuMicros, cpuMicrosOfFamily, startProgram } from './support/processes.ts'
import { type Figure, median, report, say } from './support/report.ts'
import { type Services, startServices } from './support/services.ts'

const pairs = Number(process.env.BENCH_PAIRS ?? 8)
const readsARound = Number(process.env.BENCH_READS ?? 6_000)
const declarationsARound = Number(process.env.BENCH_DECLARATIONS ?? 6_400)
const employers = 200
const connections = 20
const groupSize = 64
const generator = createGenerator(1)

type Pair = { with: number; without: number }
type Which = keyof Pair

async function main(): Promise<void> {
  benchArguments('bench:access-log', {})
  const services = await startServices()
  try {
    const figures = [
      ...(await compareReads(services)),
      ...(await compareSealing(services)),
      ...(await compareFilings(services)),
    ]
    if (!report('bench:access-log', figures)) process.exitCode = 1
  } finally {
    await services.stop()
  }
}

/** A B, then B A: what comes second in a pair must not always be the same. */
async function inTurns(measure: (which: Which) => Promise<Record<string, number>>) {
  const measured = new Map<string, Pair[]>()
  let first: Which = 'with'
  for (let i = 0; i < pairs; i += 1) {
    const second: Which = first === 'with' ? 'without' : 'with'
    const found = { [first]: await measure(first), [second]: await measure(second) }
    first = second
    for (const what of Object.keys(found.with ?? {})) {
      const pair = { with: found.with?.[what] ?? 0, without: found.without?.[what] ?? 0 }
      measured.set(what, [...(measured.get(what) ?? []), pair])
      say(`${what} ${i + 1}: ${pair.with.toFixed(1)} with, ${pair.without.toFixed(1)} µs without`)
    }
  }
  return measured
}

async function compareReads(services: Services): Promise<Figure[]> {
  const { databaseUrl, keyringFile, redisUrl, postgresPid } = services
  const env = { DATABASE_URL: databaseUrl, KEYRING_FILE: keyringFile, REDIS_URL: redisUrl }
  const intake = await startProgram('src/commands/intake.ts', env, 'programs/access-switch.mjs')
  const { pid, address } = intake
  const asked = await fileSome(address, keyringFile)
  const staff = `Bearer ${await tokenOf(keyringFile, 'an auditor', [], 'auditor')}`
  const read = async (authorization?: string) => {
    const cpu = () => cpuMicros(pid) + cpuMicrosOfFamily(postgresPid)
    const before = cpu()
    let sent = 0
    const { '2xx': answered } = await autocannon({
      ...{ url: address, connections, amount: readsARound, sampleInt: 20 },
      requests: [
        {
          setupRequest: (request) => {
            sent += 1
            const one = asked[sent % asked.length] as (typeof asked)[number]
            const headers = { authorization: authorization ?? one.authorization }
            return { ...request, path: `/v1/declarations/${one.id}`, headers }
          },
        },
      ],
    })
    if (answered !== readsARound) throw new Error(`${readsARound - answered} reads were refused`)
    return (cpu() - before) / answered
  }
  let now: Which = 'with'
  await read()
  await read(staff)
  const measured = await inTurns(async (which) => {
    if (which !== now) process.kill(pid, 'SIGWINCH')
    now = which
    return { 'a filer’s look': await read(), 'an auditor’s look': await read(staff) }
  })
  await intake.end()
  const goals = { 'a filer’s look': 1.1 }
  return figuresOf(measured, 'µs/read', goals)
}

async function tokenOf(file: string, subject: string, of: readonly string[], role = 'filer') {
  const [key] = readKeyring(file).tokenKeys
  if (key === undefined) throw new Error('no token key')
  return issueToken(
    { key, issuer: 'spillway', audience: 'spillway' },
    {
      ...{ subject, employers: of, roles: [role], ttlSeconds: 7_200 },
      ...(role === 'auditor' && { regions: ['000000'] }),
      scopes: ['declarations:write', 'declarations:read'],
    },
  )
}

/** A declaration of each of some employers, with its token. */
async function fileSome(address: string, keyringFile: string) {
  const filed: { id: string; authorization: string }[] = []
  for (let i = 0; i < employers; i += 1) {
    const declaration = generator.declaration({ period: '2024-11', lines: 5 })
    const { employer } = declaration
    const authorization = `Bearer ${await tokenOf(keyringFile, employer, [employer])}`
    const answer = await fetch(`${address}/v1/declarations`, {
      method: 'POST',
      headers: { authorization, 'idempotency-key': 'bench', 'content-type': 'application/json' },
      body: JSON.stringify(declaration),
    })
    if (answer.status !== 202) throw new Error(`a filing had ${answer.status}`)
    filed.push({ id: ((await answer.json()) as { id: string }).id, authorization })
  }
  return filed
}

/** In this process: who files is another each time, which is the most that there is to tell. */
async function compareFilings({ databaseUrl, keyringFile, postgresPid }: Services) {
  const keyring = readKeyring(keyringFile)
  const policies = readPolicies(undefined)
  const pool = openPool({
    ...{ url: databaseUrl, name: 'bench', connectionsMax: 4, statementMsMax: 60_000 },
    ...{ role: postingRole, searchPath: 'ledger,journal' },
  })
  const accept = createAcceptGroup({
    ...{ pool, ...activeKeys(keyring), environment: () => 'bench', lane: 'filing' },
  })
  const post = createPosting({
    ...{ pool, inTransaction, sealingKeys: keyring.sealingKeys, policies },
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    isDataFault: () => false,
  })
  const own = () => {
    const { user, system } = process.cpuUsage()
    return user + system + cpuMicrosOfFamily(postgresPid)
  }
  const measure = async (which: Which) => {
    const groups = makeGroups(policies, which === 'with')
    const envelopes: bigint[] = []
    const began = own()
    for (const group of groups) envelopes.push((await accept(group)).envelope as bigint)
    const accepted = own()
    for (const envelope of envelopes) await post(envelope)
    const posted = own()
    const count = groups.length * groupSize
    return { accepting: (accepted - began) / count, posting: (posted - accepted) / count }
  }
  await measure('without') // warm
  const measured = await inTurns(measure)
  await pool.end()
  return figuresOf(measured, 'µs/declaration', { accepting: 1.05, posting: 1.05 })
}

/** The part of acceptance and of posting that differs, by itself: whole ones differ by more than it. */
async function compareSealing({ keyringFile }: Services): Promise<Figure[]> {
  const { sealingKey } = activeKeys(readKeyring(keyringFile))
  const groups = makeGroups(readPolicies(undefined), true)
  const canonical = groups.map((group) => group.map((filing) => filing.canonical))
  const micros = () => {
    const { user, system } = process.cpuUsage()
    return user + system
  }
  const measured = await inTurns(async (which) => {
    const began = micros()
    const sealed = groups.map((group, i) => {
      const told =
        which === 'with' ? attributionsOf(group.map(({ by }) => ({ by: by && { ...by } }))) : {}
      const head = JSON.stringify({ policies: {}, ids: group.map(({ id }) => id), ...told })
      return sealEnvelope(sealingKey, BigInt(i), Buffer.from(head), canonical[i] ?? [])
    })
    const ended = micros()
    for (const [i, one] of sealed.entries())
      JSON.parse(String(openEnvelope([sealingKey], BigInt(i), one).head))
    const count = groups.length * groupSize
    return { sealing: (ended - began) / count, opening: (micros() - ended) / count }
  })
  return figuresOf(measured, 'µs/declaration', {})
}

let made = 0

function makeGroups(policies: ReturnType<typeof readPolicies>, tells: boolean): Filing[][] {
  return Array.from({ length: Math.ceil(declarationsARound / groupSize) }, () =>
    Array.from({ length: groupSize }, () => {
      const declaration = generator.declaration({ period: '2024-11', lines: 5 })
      const { employer: subject, region, period } = declaration
      const rules = policies.rulesFor(region, period)
      if (rules.kind !== 'rules') throw new Error('no rules')
      made += 1
      const tokenId = `${made}-6f1c-4f0e-9a55-0d3b1c7a9e21`
      const by = { issuer: 'spillway', subject, tokenId, address: '203.0.113.9' }
      return fileDeclaration({
        ...{ declaration, rules, key: `bench-${made}`, expects: 'anything' },
        acceptedAtMicros: Date.now() * 1_000,
        by: tells ? by : undefined,
      })
    }),
  )
}

function figuresOf(
  measured: ReadonlyMap<string, readonly Pair[]>,
  unit: string,
  goals: Readonly<Record<string, number>>,
): Figure[] {
  return [...measured].flatMap(([what, found]): Figure[] => {
    const ratios = found.map((pair) => pair.with / pair.without)
    const sorted = [...ratios].sort((one, other) => one - other)
    const quarter = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] as number
    const atMost = goals[what]
    return [
      { figure: `CPU, ${what}, with`, value: median(found.map((one) => one.with)), unit },
      { figure: `CPU, ${what}, without`, value: median(found.map((one) => one.without)), unit },
      {
        ...{ figure: `${what}: with / without, median of ${pairs} pairs` },
        ...{ value: median(ratios), unit: 'ratio' },
        ...(atMost !== undefined && { goal: { atMost } }),
      },
      {
        figure: `${what}: the middle half of the pairs, from`,
        value: quarter(0.25),
        unit: 'ratio',
      },
      { figure: `${what}: to`, value: quarter(0.75), unit: 'ratio' },
    ]
  })
}

await main()
