/**
 * Files of mode check: read and checked like any other; what would be filed is reported, and nothing is
 * filed.
 */
import { createHash, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { severityOf } from '../../src/batch/findings/file-findings.ts'
import { claimBatch } from '../../src/batch/lease/batch-lease.ts'
import { listUnits } from '../../src/batch/staging/list-units.ts'
import { RowSpool } from '../../src/batch/staging/spool.ts'
import { openReceived } from '../../src/batch/state/file-digest.ts'
import { intervene } from '../../src/batch/steps/intervene.ts'
import { checkLocally } from '../../src/batch/steps/local-check.ts'
import { writeErrorsFile } from '../../src/batch/table/errors-file.ts'
import { finalizeUpload } from '../../src/batch/uploads/finalize-upload.ts'
import { findLayout } from '../../src/batch/uploads/find-batch.ts'
import { findProgress } from '../../src/batch/uploads/progress.ts'
import { runSteps } from '../../src/batch/worker/batch-worker.ts'
import { deleteEnded } from '../../src/batch/worker/retention.ts'
import { presentBatch } from '../../src/intake/present/present-batch.ts'
import { recordPacks } from '../../src/journal/policy-packs.ts'
import { findStanding } from '../../src/ledger/status.ts'
import { partLinesMax } from '../../src/limits.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import { declare } from '../support/journal.ts'
import { hefei, madeUp, policiesOf } from '../support/packs.ts'
import { variedDeclaration } from '../support/varied.ts'
import { collect, csvOf, employersOf, plainTitles, type Row, rowsOf, sourceOf } from './support.ts'
import {
  claim,
  dependencies,
  journal,
  Killed,
  keptRowsOf,
  killedAt,
  postAll,
  type Received,
  receiveFile,
  refusedRowsOf,
  stateOf,
  useJournal,
  wrongNumber,
} from './work-support.ts'

useJournal()

const policies = policiesOf(hefei, madeUp)

/** Works on a file to its end. */
async function work(file: Buffer, more: Partial<Received> & Pick<Received, 'mayFileFor'>) {
  const batch = await receiveFile(file, { format: undefined, ...more })
  await runSteps(dependencies({ policies }), await claim())
  return batch
}

const check = (rows: readonly Row[], more: Partial<Received> = {}) =>
  work(csvOf(rows), { mayFileFor: employersOf(rows), mode: 'check', ...more })

async function presented(batch: string) {
  const [found] = await findProgress(journal.pool, journal.keyring.sealingKeys, [batch])
  if (found === undefined) throw new Error(`${batch} is not there`)
  return presentBatch(found)
}

const codesOf = async (batch: string) =>
  (await keptRowsOf(batch)).map(({ row, findings }) => [row, ...findings.map(({ code }) => code)])

/** All that could be filed of a batch. */
async function acceptedOf(batch: string): Promise<number> {
  const { rows } = await journal.pool.query(
    `select (select count(*) from journal.acceptance a join batch.unit u on u.id = a.id
               or a.part_of = u.id where u.batch = $1)
       + (select count(*) from batch.envelope where batch = $1) as count`,
    [batch],
  )
  return Number(rows[0].count)
}

/** The amounts of a unit once it is posted. */
async function assessedFen(id: string) {
  const amounts = (await findStanding(journal.pool, id))?.assessment?.amounts ?? []
  const sum = (of: (one: (typeof amounts)[number]) => number) =>
    amounts.reduce((all, one) => all + of(one), 0)
  return {
    employerFen: sum(({ employerFen }) => employerFen),
    employeeFen: sum(({ employeeFen }) => employeeFen),
  }
}

/** The same file checked without a server, with all rows in the spool's file. */
async function locally(file: Buffer, asked: Partial<Received> | undefined) {
  const { receivedAt = '2024-11-20T10:00:00+08:00', region = '340100' } = asked ?? {}
  const codes = new Map<number, string[]>()
  const units: object[] = []
  await checkLocally(
    sourceOf(file),
    { employer: undefined, period: '2024-11', region, kind: 'regular', format: undefined },
    {
      ...{ policies, nowMicros: Date.parse(receivedAt) * 1_000, spool: new RowSpool(0) },
      report: (finding) => {
        const { row = 0 } = finding.place
        if (severityOf(finding) === 'error' || finding.code === 'FINDINGS_MORE')
          codes.set(row, [...(codes.get(row) ?? []), finding.code])
      },
      reportUnit: ({ employer, period, good, setAside, lines, total }) => {
        units.push({ employer, period, rowsGood: good, rowsSetAside: setAside, lines, total })
      },
    },
  )
  const byKey = (unit: object) => JSON.stringify(unit)
  return {
    codes: [...codes].sort(([one], [other]) => one - other).map(([row, all]) => [row, ...all]),
    units: units.sort((one, other) => (byKey(one) < byKey(other) ? -1 : 1)),
  }
}

describe('what a check tells', () => {
  const generator = createGenerator(1_750)
  const unitBase = (rows: readonly Row[]) =>
    csvOf(
      rows.map((row) => [...row, '300000000.00']),
      `${plainTitles},单位缴费基数`,
    )
  const several = rowsOf(3, 1, 2)
  several[1] = wrongNumber(several[1] as Row)
  const parts = rowsOf(partLinesMax + 3)
  const varied = Array.from({ length: 200 }, () => variedDeclaration(generator))
  const files: [string, Buffer, string[], object?][] = [
    ['rows of several employers', csvOf(several), employersOf(several)],
    [
      'an employer in parts, with a base of its own',
      unitBase(parts),
      employersOf(parts),
      { region: '999000' },
    ],
    [
      'declarations of every kind of line',
      Buffer.from(varied.map((one) => JSON.stringify(one)).join('\n')),
      varied.map(({ employer }) => employer),
      { receivedAt: '2026-11-20T10:00:00+08:00' },
    ],
  ]
  test.for(files)(
    'of %s is what filing the same comes to, to the fen',
    async ([_, file, mayFileFor, asked]) => {
      await recordPacks(journal.pool, policies)
      const more = { mayFileFor, ...asked }
      const batch = await work(file, { ...more, mode: 'check' })
      expect(await acceptedOf(batch)).toBe(0)
      const filed = await work(file, { ...more, mode: 'accept-good' })
      await postAll()
      const [told, came] = await Promise.all(
        [batch, filed].map((id) => listUnits(journal.pool, id, { limit: 1_000 })),
      )
      expect(told?.length).toBe(came?.length)
      let [employerFen, employeeFen, lines] = [0, 0, 0]
      for (const [i, unit] of (came ?? []).entries()) {
        const { id: __, filed: isFiled, total: ___, ...same } = unit
        expect(told?.[i]).toMatchObject({ ...same, filed: false })
        const total = isFiled ? await assessedFen(unit.id) : undefined
        expect(told?.[i]?.total).toEqual(total)
        employerFen += total?.employerFen ?? 0
        employeeFen += total?.employeeFen ?? 0
        lines += isFiled ? unit.lines : 0
      }
      const [state] = await findProgress(journal.pool, journal.keyring.sealingKeys, [batch])
      const declarations = came?.filter((unit) => unit.filed).length
      expect(state?.work?.wouldFile).toEqual({ declarations, lines, employerFen, employeeFen })
      const { filed: rowsFiled, declarations: count, ...counted } = await stateOf(filed)
      expect(rowsFiled).toBeGreaterThan(0)
      expect(count).toBe(declarations)
      expect(await stateOf(batch)).toEqual({
        ...counted,
        stage: 'checked',
        filed: 0,
        declarations: 0,
      })
      expect(await codesOf(batch)).toEqual(await codesOf(filed))
      expect(await locally(file, asked)).toEqual({
        codes: await codesOf(batch),
        units: told?.map(({ employer, period, rowsGood, rowsSetAside, lines, total }) => {
          return { employer, period, rowsGood, rowsSetAside, lines, total }
        }),
      })
    },
  )

  test('is what was recognised, rows that are set aside, and what rows are warned of, by cell', async () => {
    const rows = rowsOf(3)
    rows[0] = [...(rows[0] as Row).slice(0, 3), '65000000.00'] as unknown as Row
    rows[2] = wrongNumber(rows[2] as Row)
    const batch = await check(rows)
    const told = await presented(batch)
    expect(told).toMatchObject({
      stage: 'checked',
      mode: 'check',
      progress: { percent: 100, rows: { read: 3, good: 2, setAside: 1, filed: 0, posted: 0 } },
      wouldFile: { declarations: 1, lines: 2 },
      links: { errors: `/v1/batches/${batch}/errors`, declarations: expect.any(String) },
    })
    expect(told.links.events).toBeUndefined()
    expect(told.receipt).toBeUndefined()
    const [columns, ...warnings] = told.findings ?? []
    expect(columns).toMatchObject({ code: 'COLUMNS_READ' })
    expect(warnings).toMatchObject([
      { code: 'WAGE_LOOKS_FEN', place: { row: 2, cell: 'D2' }, suggestion: '650000.00' },
    ])
    expect((await refusedRowsOf(batch)).map(({ row }) => row)).toEqual([4])
    expect(await deleteEnded(journal.pool, inTransaction)).toBe(true)
  })

  test('of a file that is none is why', async () => {
    const batch = await work(Buffer.from('nothing,of,this\n1,2,3\n'), {
      ...{ mayFileFor: [], mode: 'check' },
    })
    expect(await stateOf(batch)).toMatchObject({ stage: 'unreadable' })
  })

  test('is what stands, as a finding, of every kind of file', async () => {
    const rows = rowsOf(2)
    const mayFileFor = employersOf(rows)
    await work(csvOf(rows), { mayFileFor })
    const [employer] = mayFileFor as [string]
    const more = rowsOf(1).map(([, ...person]): Row => [employer, ...person])
    expect(await codesOf(await check(rows))).toEqual([
      [2, 'UNIT_FILED'],
      [3, 'UNIT_FILED'],
    ])
    expect(await codesOf(await check(more))).toEqual([[2, 'UNIT_STANDS']])
    const added = await check(more, { kind: 'addition' })
    expect(await stateOf(added)).toMatchObject({ stage: 'checked', good: 1, aside: 0 })
    const [unit] = await listUnits(journal.pool, added, { limit: 1 })
    expect(unit).toMatchObject({ lines: 3, replaces: expect.any(String) })
    expect(await codesOf(await check(rows.slice(0, 1), { kind: 'addition' }))).toEqual([
      [2, 'PERSON_FILED'],
    ])
    const nothing = rowsOf(1)
    expect(await codesOf(await check(nothing, { kind: 'correction' }))).toEqual([
      [2, 'REPLACES_MISSING'],
    ])
    const declared = Buffer.from(JSON.stringify(declare({ employer })))
    expect(await codesOf(await work(declared, { mayFileFor, mode: 'check' }))).toEqual([
      [1, 'UNIT_STANDS'],
    ])
  })
})

describe('a check leaves everything as it was', () => {
  test('wherever its worker ends, the next one comes to the same, and nothing is filed', async () => {
    const persons = rowsOf(partLinesMax + 3, 2)
    persons[2] = wrongNumber(persons[2] as Row)
    persons[4] = [...(persons[4] as Row).slice(0, 3), '65000000.00'] as unknown as Row
    let ends = 0
    for (const when of ['before', 'after'] as const) {
      for (let n = 1; ; n += 1) {
        const employers = new Map(employersOf(persons).map((one) => [one, declare().employer]))
        const rows = persons.map(([of, ...row]): Row => [employers.get(of) as string, ...row])
        const batch = await receiveFile(csvOf(rows), {
          ...{ format: 'csv', mayFileFor: employersOf(rows), mode: 'check' },
        })
        const killed = await runSteps(killedAt(n, when), await claim()).then(
          () => false,
          (error) => {
            if (error instanceof Killed) return true
            throw error
          },
        )
        if (killed) {
          ends += 1
          await journal.pool.query('update batch.work set leased_until = now() where batch = $1', [
            batch,
          ])
          const work = await claimBatch(journal.pool, randomUUID())
          if (work !== undefined) await runSteps(dependencies(), work)
        }
        const [good, aside] = [rows.length - 1, 1]
        expect(await stateOf(batch)).toEqual({
          ...{ stage: 'checked', read: rows.length, good, aside, filed: 0, declarations: 0 },
        })
        expect(await acceptedOf(batch)).toBe(0)
        const told = await presented(batch)
        expect(told.wouldFile).toMatchObject({ declarations: 2, lines: good })
        const findings = told.findings?.filter(({ code }) => !/^WAGE_(?:ABOVE|BELOW)/.test(code))
        expect(findings?.map(({ code }) => code)).toEqual(['COLUMNS_READ', 'WAGE_LOOKS_FEN'])
        expect(await codesOf(batch)).toEqual([[4, 'ID_CHECK_DIGIT']])
        if (!killed) break
      }
    }
    expect(ends).toBeGreaterThan(10)
  })

  test('the database refuses to file it, whatever a worker knows of modes', async () => {
    const rows = rowsOf(1)
    const batch = await receiveFile(csvOf(rows), {
      ...{ format: 'csv', mayFileFor: employersOf(rows), mode: 'check' },
    })
    const knowsNone = { ...(await claim()), mode: 'accept-good' as const }
    await expect(runSteps(dependencies(), knowsNone)).rejects.toMatchObject({ code: '23514' })
    expect(await stateOf(batch)).toMatchObject({ stage: 'checking', filed: 0 })
    expect(await acceptedOf(batch)).toBe(0)
    const { owner } = journal.database
    await owner.query("update batch.batch set stage = 'cancelled' where id = $1", [batch])
  })

  test('the same file is filed after it, and checked again after that; it has no receipt', async () => {
    const rows = rowsOf(2)
    const bytes = csvOf(rows)
    const complete = async (mode: NonNullable<Received['mode']>) => {
      const id = await receiveFile(bytes, {
        ...{ format: 'csv', mayFileFor: employersOf(rows), mode },
      })
      const { stage } = await inTransaction(journal.pool, (client) =>
        finalizeUpload(
          {
            ...journal.keyring,
            nowMicros: () => Date.parse('2024-11-20T10:00:00+08:00') * 1_000,
            receiptOf: () => 'signed',
          },
          client,
          id,
          { digest: createHash('sha256').update(bytes).digest() },
        ),
      )
      if (stage === 'received') await runSteps(dependencies(), await claim())
      const { rows: found } = await journal.pool.query(
        'select stage, sealed_received from batch.batch where id = $1',
        [id],
      )
      const { stage: reached, sealed_received: sealed } = found[0]
      const { receipt } = openReceived(journal.keyring.sealingKeys, id, sealed)
      return { stage: reached, receipt }
    }
    const checked = { stage: 'checked', receipt: undefined }
    expect(await complete('check')).toEqual(checked)
    expect(await complete('check')).toEqual(checked)
    expect(await complete('accept-good')).toEqual({ stage: 'posting', receipt: 'signed' })
    expect(await complete('check')).toEqual(checked)
    expect(await complete('accept-good')).toMatchObject({ stage: 'duplicate' })
  })
})

describe('the check of an errors file', () => {
  async function errorsFileOf(batch: string): Promise<Buffer> {
    const layout = await findLayout(journal.pool, journal.keyring.sealingKeys, batch)
    if (layout?.kind !== 'table') throw new Error('no header')
    const { header } = layout
    const rows = await refusedRowsOf(batch)
    return collect(writeErrorsFile({ format: 'csv', batch, header, rows }))
  }
  const mend = (file: Buffer) => Buffer.from(file.toString().replaceAll(',abc,', ',6500.00,'))
  const wrong = ([employer, number, name]: Row): Row => [employer, number, name, 'abc']

  test('tells what it would be merged to, and leaves its rows to be mended, also when it is stopped', async () => {
    const rows = rowsOf(3)
    rows[1] = wrong(rows[1] as Row)
    const mayFileFor = employersOf(rows)
    const first = await work(csvOf(rows), { mayFileFor })
    const mended = mend(await errorsFileOf(first))
    for (const _ of ['once', 'and again']) {
      const checked = await work(mended, { mayFileFor, mode: 'check' })
      expect(await stateOf(checked)).toMatchObject({ stage: 'checked', good: 1, aside: 0 })
      expect((await listUnits(journal.pool, checked, { limit: 1 }))[0]).toMatchObject({ lines: 3 })
    }
    const filed = await work(mended, { mayFileFor })
    expect(await stateOf(filed)).toMatchObject({ stage: 'posting', good: 1 })
    // Rows fixed meanwhile are not fixed again.
    const stopped = await receiveFile(mended, { format: 'csv', mayFileFor, mode: 'check' })
    await expect(runSteps(killedAt(4, 'after'), await claim())).rejects.toBeInstanceOf(Killed)
    expect(await stateOf(stopped)).toMatchObject({ stage: 'checking' })
    const [sealing] = journal.keyring.sealingKeys
    if (sealing === undefined) throw new Error('no key')
    const keys = { sealing, all: journal.keyring.sealingKeys, salts: journal.keyring.salts }
    const act = { batch: stopped, act: 'cancel', operator: 'somebody', reason: 'a test' } as const
    await intervene({ pool: journal.pool, inTransaction, keys }, act)
    expect(await codesOf(await work(mended, { mayFileFor }))).toEqual([[2, 'ROW_NOT_SET_ASIDE']])
  })

  test('that a check gave is told to be sent as a whole', async () => {
    const rows = rowsOf(2)
    rows[0] = wrong(rows[0] as Row)
    const mayFileFor = employersOf(rows)
    const mended = mend(await errorsFileOf(await check(rows)))
    for (const mode of ['accept-good', 'check'] as const) {
      const amending = await work(mended, { mayFileFor, mode })
      const { findings } = await presented(amending)
      expect(findings).toMatchObject([{ code: 'AMENDED_CHECK' }])
      expect(await stateOf(amending)).toMatchObject({ stage: 'unreadable' })
    }
  })
})
