import pg from 'pg'
import { startServices } from './support/services.ts'
import { createAcceptGroup } from '../src/journal/accept.ts'
import { canonicalDeclaration } from '../src/declaration/canonical.ts'
import { declarationId, digestOf, sha256Hex } from '../src/journal/digest.ts'
import { readKeyring } from '../src/platform/keyring.ts'
import { openPool, inTransaction } from '../src/platform/postgres.ts'
import { createGenerator } from './support/generator.ts'
import { createPosting } from '../src/ledger/post.ts'
import { packs } from '../src/policy/packs.ts'
import { createPolicies } from '../src/policy/rules.ts'
import { readEnvelope } from '../src/journal/read.ts'
import { prepareDeclaration } from '../src/ledger/prepare.ts'
import { copyText } from '../src/ledger/rows.ts'
const s = await startServices()
const keyring = readKeyring(s.keyringFile)
const pool = openPool({ url: s.databaseUrl, name: 'b', connectionsMax: 8, statementMsMax: 60000, searchPath: 'ledger,journal' })
const write = createAcceptGroup({ pool, signer: keyring.receiptKeys[0]!, sealingKey: keyring.sealingKeys[0]!, environment: 'b', lane: 'filing' })
const g = createGenerator(1)
const size = Number(process.env.SIZE ?? 64), n = 12800
const envs: bigint[] = []
for (let d = 0; d < n; d += size) {
  envs.push((await write(Array.from({ length: size }, (_, i) => { const x = g.declaration({ period: '2024-11', lines: 5 }); const c = canonicalDeclaration(x); return { id: declarationId(x.employer, x.period, `${d + i}`), employer: x.employer, period: x.period, kind: x.kind, canonical: c, digest: digestOf(c), acceptedAtMicros: 1.7e15, deadlineMicros: 1.8e15, onTime: true } }))).envelope!)
}
const deps = { pool, inTransaction, sealingKeys: keyring.sealingKeys, blindIndexSecret: keyring.blindIndexSecret, policies: createPolicies({ packs, sha256Hex }), isDataFault: () => false }
const post = createPosting(deps)
const owner = new pg.Pool({ connectionString: s.databaseUrl })
const time = async (name: string, f: () => Promise<unknown>) => { const c0 = process.cpuUsage(); const t = performance.now(); await f(); const dt = performance.now() - t; const c = process.cpuUsage(c0); console.log(name.padEnd(20), Math.round(n / dt * 1000), '/s', 'cpu µs/decl', ((c.user + c.system) / n).toFixed(1), 'sys', (c.system / n).toFixed(1)) }
for (let r = 0; r < 3; r++) {
  await time('read+open', async () => { for (const e of envs) await readEnvelope(pool, keyring.sealingKeys, e) })
  await time('prepare', async () => { for (const e of envs) { const o = (await readEnvelope(pool, keyring.sealingKeys, e))!; for (const a of o.accepted) prepareDeclaration(deps, e, a) } })
  await time('rows', async () => { for (const e of envs) { const o = (await readEnvelope(pool, keyring.sealingKeys, e))!; const p = o.accepted.map((a) => prepareDeclaration(deps, e, a)); copyText('line', p); copyText('amount', p); copyText('declaration', p) } })
  for (const conc of [2, 4, 8]) {
    await owner.query('truncate ledger.posting, ledger.declaration, ledger.line, ledger.amount, ledger.in_force')
    await time(`post c=${conc}`, async () => { const q = [...envs]; await Promise.all(Array.from({ length: conc }, async () => { for (let e = q.shift(); e !== undefined; e = q.shift()) await post(e) })) })
  }
}
await pool.end(); await owner.end(); await s.stop()
