/**
 * An operator takes a file out of filing: filed units stay, once; the others end, or are checked anew.
 */
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { expect, inject, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { claimBatch, LeaseLostError } from '../../src/batch/lease/batch-lease.ts'
import { intervene, type OperatorAct } from '../../src/batch/steps/intervene.ts'
import { findProgress } from '../../src/batch/uploads/progress.ts'
import { type BatchDependencies, runSteps } from '../../src/batch/worker/batch-worker.ts'
import { deleteEnded } from '../../src/batch/worker/retention.ts'
import { presentBatch } from '../../src/intake/present/present-batch.ts'
import type { AcceptGroup } from '../../src/journal/accept.ts'
import { declarationId } from '../../src/journal/digest.ts'
import { findStanding } from '../../src/ledger/status.ts'
import { partLinesMax } from '../../src/limits.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import { runCommand } from '../support/command.ts'
import { csvOf, employersOf, plainTitles, type Row, rowsOf } from './support.ts'
import {
  claim,
  dependencies,
  journal,
  Killed,
  keptRowsOf,
  killedAt,
  postAll,
  receive,
  receiveFile,
  stateOf,
  useJournal,
  wrongNumber,
} from './work-support.ts'

useJournal()

const stopped = () => Promise.reject(new Error('stopped'))

function act(batch: string, what: OperatorAct, through = inTransaction) {
  const { pool, keys } = dependencies()
  const why = { operator: 'wang', reason: 'the part is too large' }
  return intervene({ pool, inTransaction: through, keys }, { batch, act: what, ...why })
}

const endLease = (batch: string) =>
  journal.pool.query('update batch.work set leased_until = now() where batch = $1', [batch])

/** Works on it as the worker after the previous one. */
async function goOn(batch: string, deps: BatchDependencies = dependencies()): Promise<void> {
  await endLease(batch)
  const work = await claimBatch(journal.pool, randomUUID())
  if (work !== undefined) await runSteps(deps, work)
}

async function forgetAll(batch: string): Promise<void> {
  await endLease(batch)
  while (await deleteEnded(journal.pool, inTransaction));
}

/** Rows of employers in filing order. */
function inOrder(...persons: readonly number[]): Row[] {
  const employers = employersOf(rowsOf(...persons.map(() => 1))).sort()
  const all = rowsOf(...persons)
  const given = employersOf(all)
  return all.map(([of, ...more]) => [employers[given.indexOf(of)] as string, ...more])
}

/** Refuses from the nth group on. */
function acceptingUntil(n: number, then: AcceptGroup = stopped): AcceptGroup {
  const { acceptGroup } = dependencies()
  let groups = 0
  return (group) => {
    groups += 1
    return groups < n ? acceptGroup(group) : then(group)
  }
}

async function unitsOf(batch: string) {
  const { rows } = await journal.pool.query(
    `select u.employer, u.id, u.key, u.parts, u.parts_filed as filed, s.status
     from batch.unit u
     left join ledger.declaration_status s on s.id = u.id
     where u.batch = $1
     order by u.employer`,
    [batch],
  )
  return rows
}

async function presented(batch: string) {
  const [progress] = await findProgress(journal.pool, journal.keyring.sealingKeys, [batch])
  if (progress === undefined) throw new Error('no such batch')
  return { ...presentBatch(progress), mark: progress.mark }
}

/** How many persons of each employer are in force. */
async function personsInForce(rows: readonly Row[]): Promise<number[]> {
  await postAll()
  const { rows: found } = await journal.pool.query<{ lines: number }>(
    `select (
         select coalesce(sum(d.lines), 0)::int from ledger.in_force_part d where d.employer = e.employer
       ) as lines
     from unnest($1::text[]) with ordinality as e (employer, nth)
     order by nth`,
    [employersOf(rows)],
  )
  return found.map(({ lines }) => lines)
}

const services = ['instant-delivery', 'instant-delivery-high', 'city-freight']

/** One employer: some employees, and riders with three services on each day of the month. */
function ridersOf(employer: string, riders: number, employees: number): string[][] {
  const generator = createGenerator(17)
  const persons = new Map<string, string>()
  while (persons.size < riders + employees) {
    const { idNumber, name } = generator.person()
    persons.set(idNumber, name)
  }
  return [...persons].flatMap(([idNumber, name], n) => {
    if (n >= riders) return [[employer, idNumber, name, '6500.00', '职工', '', '', '']]
    return services.flatMap((service) =>
      Array.from({ length: 31 }, (_, day) => {
        const date = `2025-08-${String(day + 1).padStart(2, '0')}`
        return [employer, idNumber, name, '', '新就业形态', date, service, '12']
      }),
    )
  })
}

const riderTitles = '统一社会信用代码,证件号码,姓名,缴费工资,参保类别,接单日期,服务类型,接单数'

test('a unit too large for one envelope, checked before parts were cut by bytes, is freed by recheck', async () => {
  const small = inOrder(100, 1)
  const [first, large] = employersOf(small) as [string, string]
  const others = small.filter(([of]) => of === first)
  const rows = [...others.map((row) => [...row, '职工', '', '', '']), ...ridersOf(large, 50, 4_890)]
  const batch = await receiveFile(csvOf(rows, riderTitles), {
    ...{ format: 'csv', mayFileFor: [first, large], period: '2025-08' },
    receivedAt: '2025-09-05T10:00:00+08:00',
  })
  await expect(runSteps(dependencies({ acceptGroup: stopped }), await claim())).rejects.toThrow()
  // A unit as an older check left it, before it counted bytes.
  for (const employer of [first, large])
    await journal.database.owner.query(
      'update batch.unit set key = null, parts = 1, id = $3 where batch = $1 and employer = $2',
      [batch, employer, declarationId(employer, '2025-08', batch)],
    )
  // An envelope holds less than the full unit.
  let tooLarge = Number.POSITIVE_INFINITY
  const { acceptGroup } = dependencies()
  const deps = dependencies({
    acceptGroup: (group) => {
      const bytes = group.find(({ employer }) => employer === large)?.canonical.length ?? 0
      if (bytes > 0 && tooLarge === Number.POSITIVE_INFINITY) tooLarge = bytes
      return bytes >= tooLarge ? stopped() : acceptGroup(group)
    },
  })
  await expect(goOn(batch, deps)).rejects.toThrow('stopped')
  expect(await stateOf(batch)).toMatchObject({ stage: 'filing', filed: 100, declarations: 1 })
  const before = await unitsOf(batch)
  expect(await act(batch, 'recheck')).toMatchObject({ kind: 'done', rows: { filed: 100 } })
  expect(await claimBatch(journal.pool, randomUUID())).toBeUndefined()
  await goOn(batch, deps)
  expect(await stateOf(batch)).toMatchObject({
    ...{ stage: 'posting', aside: 0, filed: rows.length, good: rows.length, declarations: 2 },
  })
  await postAll()
  const after = await unitsOf(batch)
  expect(after).toMatchObject([
    { id: before[0].id, key: null, parts: 1, filed: 1, status: 'posted' },
    { key: `file ${batch} for 340100 check 2`, parts: 2, filed: 2, status: 'posted' },
  ])
  expect((await findStanding(journal.pool, after[1].id))?.assessment?.lines).toBe(4_940)
  const { rows: accepted } = await journal.pool.query(
    'select count(*)::int as count from journal.acceptance where employer = $1',
    [first],
  )
  expect(accepted).toEqual([{ count: 1 }])
})

test('cancelled, what was filed stays filed; the rest, and parts of nothing, count no more', async () => {
  const rows = inOrder(2, partLinesMax + 2, 1)
  const batch = await receive(rows)
  await expect(
    runSteps(dependencies({ acceptGroup: acceptingUntil(3) }), await claim()),
  ).rejects.toThrow('stopped')
  expect(await stateOf(batch)).toMatchObject({ stage: 'filing', filed: partLinesMax + 2 })
  const before = await presented(batch)
  expect(await act(batch, 'cancel')).toMatchObject({ kind: 'done' })
  expect(await presented(batch)).not.toMatchObject({ mark: before.mark })
  expect(await act(batch, 'cancel')).toEqual({ kind: 'otherwise', stage: 'cancelled' })
  await forgetAll(batch)
  expect(await stateOf(batch)).toMatchObject({ stage: 'cancelled', filed: 2, declarations: 1 })
  expect(await personsInForce(rows)).toEqual([2, 0, 0])
  const shown = await presented(batch)
  expect(shown).toMatchObject({
    stage: 'cancelled',
    progress: { rows: { filed: 2, posted: 2 }, declarations: 1 },
    links: { declarations: `/v1/batches/${batch}/declarations` },
    findings: [{ code: 'COLUMNS_READ' }, { code: 'FILE_STOPPED', severity: 'error' }],
  })
  expect(shown.findings?.[1]?.message.en).toContain('the part is too large')
  const { rows: left } = await journal.pool.query('select from batch.piece where batch = $1', [
    batch,
  ])
  expect(left).toEqual([])
  // Sent again, the rest is filed, and filed units are reported.
  const again = await receive(rows)
  await runSteps(dependencies(), await claim())
  expect(await stateOf(again)).toMatchObject({ aside: 2, filed: partLinesMax + 3 })
  expect((await keptRowsOf(again)).map(({ findings }) => findings[0]?.code)).toEqual([
    'UNIT_FILED',
    'UNIT_FILED',
  ])
  expect(await personsInForce(rows)).toEqual([2, partLinesMax + 2, 1])
}, 180_000)

test('rechecked, units that are filed keep their ids, and a unit of which parts are filed has new ones', async () => {
  const rows = inOrder(2, partLinesMax + 2, 1)
  const batch = await receive(rows, { mode: 'all-or-nothing' })
  await expect(
    runSteps(dependencies({ acceptGroup: acceptingUntil(3) }), await claim()),
  ).rejects.toThrow('stopped')
  const before = await unitsOf(batch)
  await act(batch, 'recheck')
  await goOn(batch)
  expect(await stateOf(batch)).toMatchObject({
    ...{ stage: 'posting', good: rows.length, filed: rows.length, declarations: 3 },
  })
  expect(await personsInForce(rows)).toEqual([2, partLinesMax + 2, 1])
  const after = await unitsOf(batch)
  expect(after.map(({ id }, i) => id === before[i].id)).toEqual([true, false, false])
  const { progress, findings } = await presented(batch)
  expect(progress.rows).toMatchObject({ filed: rows.length, posted: rows.length })
  expect(findings?.map(({ code }) => code)).toEqual(['COLUMNS_READ', 'FILE_RECHECKED'])
}, 180_000)

test.each(['cancel', 'recheck'] as const)(
  'what a worker files while an operator asks to %s is filed and counts, once, and it drops the file',
  async (what) => {
    const rows = inOrder(2, 3)
    const batch = await receive(rows)
    const { acceptGroup } = dependencies()
    const deps = dependencies({
      acceptGroup: async (group) => {
        await act(batch, what)
        return acceptGroup(group)
      },
    })
    await expect(runSteps(deps, await claim())).rejects.toThrow(LeaseLostError)
    expect(await stateOf(batch)).toMatchObject({ filed: 0 })
    if (what === 'cancel') await forgetAll(batch)
    else await goOn(batch)
    const stage = what === 'cancel' ? 'cancelled' : 'posting'
    expect(await stateOf(batch)).toMatchObject({ stage, filed: 5, declarations: 2, aside: 0 })
    expect(await personsInForce(rows)).toEqual([2, 3])
    const { progress } = await presented(batch)
    expect(progress.rows).toMatchObject({ filed: 5, posted: 5 })
  },
)

test('wherever the worker that checks it anew ends, the next comes to the same', async () => {
  let ends = 0
  for (const when of ['before', 'after'] as const) {
    for (let n = 1; ; n += 1) {
      const rows = inOrder(2, 2)
      rows[1] = wrongNumber(rows[1] as Row)
      const batch = await receive(rows)
      const { acceptGroup } = dependencies()
      const halfAccepted: AcceptGroup = async (group) => {
        await acceptGroup(group.slice(0, 1))
        return stopped()
      }
      await expect(
        runSteps(dependencies({ acceptGroup: halfAccepted }), await claim()),
      ).rejects.toThrow('stopped')
      await act(batch, 'recheck')
      const killed = await goOn(batch, killedAt(n, when)).then(
        () => false,
        (error) => {
          if (error instanceof Killed) return true
          throw error
        },
      )
      if (killed) {
        ends += 1
        await goOn(batch)
      }
      expect(await stateOf(batch)).toEqual({
        ...{ stage: 'posting', read: 4, good: 3, aside: 1, filed: 3, declarations: 2 },
      })
      expect((await keptRowsOf(batch)).map(({ row }) => row)).toEqual([3])
      expect(await personsInForce(rows)).toEqual([1, 2])
      if (!killed) break
    }
  }
  expect(ends).toBeGreaterThan(12)
})

test.each(['cancel', 'recheck'] as const)(
  'a command that dies after any statement of %s has changed and noted nothing',
  async (what) => {
    const rows = rowsOf(2)
    const batch = await receive(rows)
    await expect(runSteps(dependencies({ acceptGroup: stopped }), await claim())).rejects.toThrow()
    const read = async () => {
      const { rows: all } = await journal.pool.query(
        `select to_jsonb(b) as batch, to_jsonb(w) as work,
           (select count(*)::int from batch.intervention i where i.batch = b.id) as noted
         from batch.batch b join batch.work w on w.batch = b.id where b.id = $1`,
        [batch],
      )
      return all[0]
    }
    const before = await read()
    let dies = 0
    for (let n = 1; ; n += 1) {
      let count = 0
      const through: typeof inTransaction = (pool, work) =>
        inTransaction(pool, async (client) => {
          const dying = new Proxy(client, {
            get: (target, name) =>
              name !== 'query'
                ? Reflect.get(target, name)
                : async (...query: [string, unknown[]]) => {
                    const result = await target.query(...query)
                    count += 1
                    if (count === n) throw new Killed()
                    return result
                  },
          })
          return work(dying as pg.PoolClient)
        })
      const outcome = await act(batch, what, through).catch((error: unknown) => error)
      if (!(outcome instanceof Killed)) break
      dies += 1
      expect(await read()).toEqual(before)
    }
    expect(dies).toBeGreaterThan(3)
    expect((await read()).noted).toBe(1)
  },
)

test('the rows of a mended file that was cancelled wait to be mended again', async () => {
  const rows = rowsOf(3)
  const right = rows[2] as Row
  const first = await receive([...rows.slice(0, 2), wrongNumber(right)])
  await runSteps(dependencies(), await claim())
  const mended = csvOf([[...right, '4']], `${plainTitles},原行号（批次 ${first}）`)
  const send = () => receiveFile(mended, { format: 'csv', mayFileFor: employersOf(rows) })
  const stuck = await send()
  await expect(runSteps(dependencies({ acceptGroup: stopped }), await claim())).rejects.toThrow()
  await act(stuck, 'cancel')
  const again = await send()
  await runSteps(dependencies(), await claim())
  expect(await stateOf(again)).toMatchObject({ stage: 'posting', aside: 0, filed: 1 })
  expect(await personsInForce(rows)).toEqual([3])
})

async function run(...args: string[]) {
  const env = { DATABASE_URL: journal.database.url, KEYRING_FILE: inject('keyringFile') }
  const command = runCommand('src/commands/batches.ts', env, args)
  return { code: await command.done, output: command.output() }
}

test('the command lists files, takes one out of filing, and notes who and why for good', async () => {
  const rows = rowsOf(2)
  const batch = await receive(rows)
  await expect(runSteps(dependencies({ acceptGroup: stopped }), await claim())).rejects.toThrow()
  const listed = await run('list')
  expect(listed).toMatchObject({ code: 0 })
  expect(listed.output).toMatch(new RegExp(`${batch}  filing .*0 of 2 rows filed`))
  const why = ['--operator', 'wang', '--reason', 'too large for one envelope']
  const done = await run('cancel', batch, ...why)
  expect(done).toMatchObject({ code: 0, output: expect.stringMatching(/cancelled; 0 of 2 rows/) })
  for (const { output } of [listed, done])
    for (const [, idNumber, name] of rows) {
      expect(output).not.toContain(idNumber)
      expect(output).not.toContain(name)
    }
  expect(await run('recheck', batch, ...why)).toMatchObject({
    ...{ code: 1, output: expect.stringContaining('it is cancelled') },
  })
  expect((await run('cancel', 'nothing', ...why)).output).toContain('there is no such batch')
  const { rows: noted } = await journal.pool.query(
    'select act, operator, reason from batch.intervention where batch = $1',
    [batch],
  )
  expect(noted).toEqual([{ act: 'cancel', operator: 'wang', reason: 'too large for one envelope' }])
  for (const change of [
    "update batch.intervention set reason = ''",
    'delete from batch.intervention',
  ])
    await expect(journal.pool.query(change)).rejects.toThrow('permission denied')
}, 180_000)

test('the command tells how it is used, and takes no identity number for a reason', async () => {
  const named = ['--operator', 'wang', '--reason']
  for (const args of [['--help'], ['cancel', 'x'], ['cancel', 'x', ...named, '11010519491231002X']])
    expect((await run(...args)).output).toMatch(/^Usage: npm run batches/m)
}, 180_000)
