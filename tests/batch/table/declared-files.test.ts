/**
 * Files of NDJSON: each line is filed or refused as the same declaration would be alone.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createGenerator } from '../../../bench/support/generator.ts'
import { writeErrorLines } from '../../../src/batch/errors/error-lines.ts'
import { claimBatch } from '../../../src/batch/lease/batch-lease.ts'
import { runSteps } from '../../../src/batch/worker/batch-worker.ts'
import { canonicalDeclaration } from '../../../src/declaration/canonical.ts'
import type { Declaration } from '../../../src/declaration/schema.ts'
import { digestOf } from '../../../src/journal/digest.ts'
import { findStanding } from '../../../src/ledger/status.ts'
import {
  bufferedCharactersMax,
  partLinesMax,
  rejectedStretchDeclarations,
} from '../../../src/limits.ts'
import { openApp } from '../../support/app.ts'
import { declare, policies } from '../../support/journal.ts'
import { variedDeclaration } from '../../support/varied.ts'
import { endlessSource } from '../support.ts'
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
  stateOf,
  useJournal,
} from '../work-support.ts'

useJournal()

type Line = string | object

const textOf = (lines: readonly Line[]) =>
  lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')

/** A file of these lines; its sender may file for all of its employers, unless given otherwise. */
function receive(lines: readonly Line[], more: Partial<Received> = {}): Promise<string> {
  const employers = lines.flatMap((line) => (line as { employer?: string }).employer ?? [])
  const bytes = Buffer.from(textOf(lines))
  return receiveFile(bytes, { format: undefined, mayFileFor: employers, ...more })
}

async function work(lines: readonly Line[], more: Partial<Received> = {}): Promise<string> {
  const batch = await receive(lines, more)
  await runSteps(dependencies(), await claim())
  return batch
}

type ErrorLine = {
  row: number
  declaration?: unknown
  text?: string
  errors: { pointer: string; code: string; message: Record<string, string> }[]
}

/** The errors file, line by line. */
async function errorLinesOf(batch: string): Promise<ErrorLine[]> {
  const kept = await keptRowsOf(batch)
  const pieces: Buffer[] = []
  for await (const piece of writeErrorLines(asyncOf(kept))) pieces.push(piece)
  const text = Buffer.concat(pieces).toString()
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as ErrorLine)
}

async function* asyncOf<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all
}

const codesOf = (lines: readonly ErrorLine[]) =>
  lines.map(({ row, errors }) => [row, errors.map(({ pointer, code }) => `${pointer} ${code}`)])

async function filedOf(batch: string) {
  const { rows } = await journal.pool.query(
    `select u.entry, u.id, a.kind, encode(a.salted_digest, 'hex') as digest, u.lines, u.replaces, u.parts
     from batch.unit u left join journal.acceptance a on a.id = u.id
     where u.batch = $1 order by u.entry`,
    [batch],
  )
  return rows
}

const digest = (declaration: Declaration, id: string) =>
  journal.keyring.salts
    .digestOf(id, digestOf(Buffer.from(canonicalDeclaration(declaration))))
    .toString('hex')

describe('each line', () => {
  test('is filed to the byte as it would be alone, whatever was said of the file', async () => {
    const first = [declare(), declare({ period: '2024-10' }), declare()] as const
    const before = await work(first, { employer: declare().employer, kind: 'correction' })
    expect(await stateOf(before)).toMatchObject({ stage: 'posting', good: 3, declarations: 3 })
    const filed = await filedOf(before)
    expect(filed.map(({ digest, kind }) => [kind, digest])).toEqual(
      first.map((declaration, i) => ['regular', digest(declaration, filed[i].id)]),
    )
    const [one, other] = filed
    const correction = { ...first[0], kind: 'correction', replaces: one.id } as const
    const { lines: _, ...rest } = first[1]
    const cancellation = { ...rest, kind: 'cancellation', replaces: other.id } as const
    const nothing = { ...first[2], kind: 'correction', replaces: one.id } as const
    const after = await work([correction, '', cancellation, nothing])
    expect(await stateOf(after)).toMatchObject({ read: 3, good: 2, aside: 1, filed: 2 })
    const later = (await filedOf(after)).slice(0, 2)
    expect(later).toMatchObject([
      { entry: 1, kind: 'correction', replaces: one.id, lines: 2 },
      { entry: 3, kind: 'cancellation', lines: 0, parts: 1 },
    ])
    const digests = [correction, cancellation].map((filed, i) => digest(filed, later[i].id))
    expect(later.map((unit) => unit.digest)).toEqual(digests)
    expect(codesOf(await errorLinesOf(after))).toEqual([[4, ['/replaces REPLACES_NOTHING']]])
    const changed = { ...correction, lines: first[0].lines?.slice(0, 1) } as Declaration
    for (const [line, code] of [
      [changed, '/replaces REPLACES_SUPERSEDED'],
      [correction, ' UNIT_FILED'],
    ] as const) {
      const stale = await work([line])
      expect(await stateOf(stale)).toMatchObject({ good: 0, aside: 1 })
      expect(codesOf(await errorLinesOf(stale))).toEqual([[1, [code]]])
    }
    await postAll()
    expect((await findStanding(journal.pool, one.id))?.status).toBe('superseded')
    expect((await findStanding(journal.pool, other.id))?.status).toBe('cancelled')
  })

  test('of two regions is a declaration of each; a correction of the other region’s is set aside', async () => {
    const one = declare()
    const { employer } = one
    const inWuhu = declare({ employer }, { region: '340200' })
    const first = await work([one, inWuhu, declare({ employer }, { region: '340200' })])
    expect(await stateOf(first)).toMatchObject({ read: 3, good: 2, aside: 1, filed: 2 })
    expect(codesOf(await errorLinesOf(first))).toEqual([[3, [' DECLARATION_REPEATED']]])
    const [id] = (await filedOf(first)).map((unit) => unit.id)
    const wrong = { ...inWuhu, kind: 'correction', replaces: id } as const
    const after = await work([wrong, { ...wrong, region: '340100' }])
    expect(await stateOf(after)).toMatchObject({ read: 2, good: 1, aside: 1, filed: 1 })
    expect(codesOf(await errorLinesOf(after))).toEqual([[1, ['/replaces REPLACES_OTHER_REGION']]])
  })

  test('sent again under another header of the file is told that it was filed', async () => {
    const lines = [declare(), declare()]
    const first = await work(lines)
    await postAll()
    const again = await work(lines, { period: '2024-10' })
    await postAll()
    expect(await stateOf(again)).toMatchObject({ stage: 'refused', good: 0, aside: 2, filed: 0 })
    expect(codesOf(await errorLinesOf(again))).toEqual([
      [1, [' UNIT_FILED']],
      [2, [' UNIT_FILED']],
    ])
    for (const { id } of await filedOf(first))
      expect((await findStanding(journal.pool, id))?.status).toBe('posted')
  })

  test('that is wrong is told with its number and where, and comes back as it was', async () => {
    const [good, mine] = [declare(), declare()]
    const { period: _, ...without } = mine
    const wage = { ...mine.lines?.[1], wage: '1,000' }
    const lines = [
      good,
      '{"employer":',
      '[1]',
      'null',
      `${'['.repeat(20)}${']'.repeat(20)}`,
      `[${'1,'.repeat(200_001)}1]`,
      '{"__proto__":{"a":1}}',
      without,
      { ...mine, employer: 91, lines: [mine.lines?.[0], wage] },
      { ...mine, more: 1 },
      '  {"kind" : "regular"}\r',
    ]
    const batch = await work(lines, { mayFileFor: [good.employer, mine.employer] })
    expect(await stateOf(batch)).toMatchObject({ stage: 'posting', read: 11, good: 1, aside: 10 })
    const told = await errorLinesOf(batch)
    expect(codesOf(told)).toEqual([
      [2, [' RECORD_NOT_JSON']],
      [3, [' RECORD_NOT_JSON']],
      [4, [' RECORD_NOT_JSON']],
      [5, [' RECORD_TOO_DEEP']],
      [6, [' RECORD_ITEMS_TOO_MANY']],
      [7, [' RECORD_KEY_FORBIDDEN']],
      [8, ['/period FIELD_MISSING']],
      [9, ['/employer FIELD_TYPE', '/lines/1/wage FIELD_FORMAT']],
      [10, ['/more FIELD_UNKNOWN']],
      [11, ['/employer', '/region', '/period', '/lines'].map((at) => `${at} ${missing(at)}`)],
    ])
    expect(told[0]?.text).toBe('{"employer":')
    expect(told[6]?.declaration).toEqual(without)
    expect(told[7]?.errors[1]?.message.en).toMatch(/wage|yuan/)
    for (const { errors } of told)
      for (const { message } of errors) expect(Object.keys(message)).toEqual(['zh-CN', 'en'])
  })

  const missing = (at: string) => (at === '/lines' ? 'LINES_MISSING' : 'FIELD_MISSING')

  test('of an employer without authority is set aside, and the others are filed', async () => {
    const [mine, other] = [declare(), declare()]
    const batch = await work([other, mine], { mayFileFor: [mine.employer] })
    expect(await stateOf(batch)).toMatchObject({ stage: 'posting', good: 1, aside: 1 })
    expect(codesOf(await errorLinesOf(batch))).toEqual([[1, ['/employer ROW_EMPLOYER_NOT_YOURS']]])
  })

  test('that names an employer and period again is set aside: the first one counts', async () => {
    const first = declare()
    const again = declare({ employer: first.employer })
    const later = declare({ employer: first.employer, period: '2024-10' })
    const batch = await work([first, later, again])
    expect(await stateOf(batch)).toMatchObject({ good: 2, aside: 1, declarations: 2 })
    const told = await errorLinesOf(batch)
    expect(codesOf(told)).toEqual([[3, [' DECLARATION_REPEATED']]])
    expect(told[0]?.errors[0]?.message.en).toContain('as line 1;')
  })

  test('that is wrong refuses the file, where all or nothing was asked for', async () => {
    const batch = await work([declare(), { ...declare(), kind: 'odd' }], {
      mode: 'all-or-nothing',
    })
    expect(await stateOf(batch)).toMatchObject({ stage: 'refused', good: 1, aside: 1, filed: 0 })
    expect(codesOf(await errorLinesOf(batch))).toEqual([[2, ['/kind VALUE_NOT_ALLOWED']]])
  })

  test('with thousands of faults tells the first of them, and how many more', async () => {
    const wrong = Array.from({ length: 30 }, () => {
      const made = declare({ lines: 900 })
      return { ...made, lines: made.lines?.map((line) => ({ ...line, wage: 'abc' })) }
    })
    const batch = await work([...wrong, declare()])
    const told = await errorLinesOf(batch)
    expect(told).toHaveLength(30)
    for (const { errors } of told) {
      expect(errors).toHaveLength(201)
      expect(errors.at(-1)?.message.en).toContain('700 more')
    }
    // So many findings exceed the limit for opening them at once.
    const { rows } = await journal.pool.query(
      'select max(rows) as rows from batch.error_row where batch = $1',
      [batch],
    )
    expect(rows[0].rows).toBeLessThan(10)
  })
})

test('a file of nothing, or in another encoding, is unreadable; one that goes wrong half-way is read', async () => {
  const none = await work(['', '  ', ''], { format: 'ndjson' })
  expect(await stateOf(none)).toMatchObject({ stage: 'unreadable', read: 0 })
  const wide = Buffer.from(`\ufeff${JSON.stringify(declare())}\n`, 'utf16le')
  const batch = await receiveFile(wide, { format: 'ndjson', mayFileFor: [] })
  await runSteps(dependencies(), await claim())
  expect(await stateOf(batch)).toMatchObject({ stage: 'unreadable' })
  const [one, other, last] = [declare(), declare(), declare()]
  const half = Buffer.concat([
    Buffer.from(`${JSON.stringify(one)}\n${JSON.stringify(other).split('"name":"')[0]}"name":"`),
    Buffer.from([0xcd, 0xf5, 0xce, 0xb0]), // 王伟 in GB18030
    Buffer.from(`"}]}\n${JSON.stringify(last)}`),
  ])
  const mayFileFor = [one, other, last].map(({ employer }) => employer)
  const mixed = await receiveFile(half, { format: undefined, mayFileFor })
  await runSteps(dependencies(), await claim())
  expect(await stateOf(mixed)).toMatchObject({ stage: 'posting', good: 2, aside: 1 })
  expect(codesOf(await errorLinesOf(mixed))).toEqual([[2, [' RECORD_ENCODING']]])
})

test('a line without end is told, and neither held nor read to its end', async () => {
  const good = declare()
  let pieces = 0
  // 10 GB, if anybody read it.
  const endless = endlessSource(async function* (offset) {
    const start = Buffer.from(`${JSON.stringify(good)}\n{"employer":"`).subarray(offset)
    if (start.length > 0) yield start
    for (; pieces < 160_000; pieces += 1) yield Buffer.alloc(65_536, 'a')
  })
  const batch = await receiveFile(endless, { format: 'ndjson', mayFileFor: [good.employer] })
  await runSteps(dependencies(), await claim())
  expect(await stateOf(batch)).toMatchObject({ stage: 'unreadable', read: 1, filed: 0 })
  expect(pieces).toBeLessThan(100)
})

test('a declaration with more lines than a part has comes into force in one step', async () => {
  const large = declare({ lines: partLinesMax + 7 })
  const batch = await work([large])
  expect(await stateOf(batch)).toMatchObject({ good: 1, filed: 1, declarations: 1 })
  const [unit] = await filedOf(batch)
  expect(unit).toMatchObject({ parts: 2, lines: partLinesMax + 7 })
  const { rows: envelopes } = await journal.pool.query(
    'select envelope from batch.envelope where batch = $1 order by envelope desc',
    [batch],
  )
  expect(envelopes).toHaveLength(2)
  const statuses: unknown[] = []
  for (const { envelope } of envelopes) {
    await journal.post(BigInt(envelope))
    statuses.push((await findStanding(journal.pool, unit.id))?.status)
  }
  expect(statuses).toEqual(['accepted', 'posted'])
  const standing = await findStanding(journal.pool, unit.id)
  expect(standing?.assessment?.lines).toBe(partLinesMax + 7)
  const lines = [...(large.lines ?? []), large.lines?.[0]]
  const twice = await work([{ ...declare(), lines }, declare()])
  expect(codesOf(await errorLinesOf(twice))).toEqual([
    [1, [`/lines/${partLinesMax + 7}/person PERSON_DUPLICATE`]],
  ])
})

test('wrong lines all over a large file are kept in its order', async () => {
  const made = declare({ lines: 12 })
  const count = 2_500
  const generator = createGenerator(5)
  const employers = Array.from({ length: count }, () => generator.employer())
  const lines = employers.map((employer, i) => ({
    ...made,
    employer,
    ...(i % 5 === 0 && { region: 'x' }),
  }))
  expect(textOf(lines).length).toBeGreaterThan(bufferedCharactersMax)
  const batch = await work(lines)
  expect(await stateOf(batch)).toMatchObject({ read: count, good: 2_000, filed: 2_000 })
  const kept = await keptRowsOf(batch)
  expect(kept.map(({ row }) => row)).toEqual(lines.flatMap((_, i) => (i % 5 === 0 ? [i + 1] : [])))
  expect(kept.every(({ row, cells }) => cells[0] === JSON.stringify(lines[row - 1]))).toBe(true)
  expect(kept.length).toBeGreaterThan(rejectedStretchDeclarations)
})

test('a worker that ends anywhere is followed by another, and the same is filed, once', async () => {
  const made = declare({ lines: partLinesMax + 3 })
  let ends = 0
  for (const when of ['before', 'after'] as const) {
    for (let n = 1; ; n += 1) {
      const large = { ...made, employer: declare().employer }
      const lines = [declare(), '{', large, { ...declare(), region: 'x' }, declare()]
      const mayFileFor = lines.flatMap((line) => (line as Declaration).employer ?? [])
      const batch = await receive(lines, { mayFileFor })
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
        const rest = await claimBatch(journal.pool, randomUUID())
        if (rest !== undefined) await runSteps(dependencies(), rest)
      }
      expect(await stateOf(batch)).toEqual({
        stage: 'posting',
        ...{ read: 5, good: 3, aside: 2, filed: 3, declarations: 3 },
      })
      const { rows: filed } = await journal.pool.query(
        `select count(*)::int as acceptances, count(distinct a.id)::int as ids
         from batch.envelope e join journal.acceptance a on a.envelope = e.envelope where batch = $1`,
        [batch],
      )
      expect(filed).toEqual([{ acceptances: 4, ids: 4 }])
      expect((await errorLinesOf(batch)).map(({ row }) => row)).toEqual([2, 4])
      if (!killed) break
    }
  }
  expect(ends).toBeGreaterThan(10)
})

describe('over generated declarations', () => {
  const nowMicros = 1_795_000_000_000_000 // 2026-11-23 in Shanghai
  let opened: Awaited<ReturnType<typeof openApp>>
  beforeAll(async () => {
    opened = await openApp(journal, { policies, clock: { nowMicros } })
  })
  afterAll(() => opened.close())

  test('a file finds what the pre-check of each finds, in the same words', async () => {
    const generator = createGenerator(17)
    const declarations = Array.from({ length: 1_000 }, () => variedDeclaration(generator))
    const receivedAt = new Date(nowMicros / 1_000).toISOString()
    // Before any of them is in force.
    const checks: { valid: boolean; findings: { severity: string }[] }[] = []
    for (const declaration of declarations)
      checks.push((await opened.check(declaration)).json<(typeof checks)[number]>())
    const batch = await work(declarations, { receivedAt })
    const told = new Map((await errorLinesOf(batch)).map((line) => [line.row, line]))
    const filed = new Map((await filedOf(batch)).map((unit) => [unit.entry, unit]))
    let wrong = 0
    for (const [i, declaration] of declarations.entries()) {
      const checked = checks[i] as (typeof checks)[number]
      const row = i + 1
      const errors = checked.findings.filter(({ severity }) => severity === 'error')
      expect(told.get(row)?.errors ?? []).toEqual(errors)
      const unit = filed.get(row)
      if (checked.valid) expect(unit.digest).toBe(digest(declaration, unit.id))
      else expect(told.get(row)?.declaration).toEqual(declaration)
      if (!checked.valid) wrong += 1
    }
    expect(wrong).toBeGreaterThan(100)
    expect(wrong).toBeLessThan(900)
  })
})

test('hundreds of declarations are read and looked up in a few statements, right or wrong', async () => {
  const lines = Array.from({ length: 300 }, (_, i) => {
    const declaration = declare({ lines: 1 })
    if (i % 3 === 0) return declaration
    if (i % 3 === 1) return { ...declaration, period: '2024-13' }
    return { ...declaration, kind: 'correction', replaces: `202411-${randomUUID()}` }
  })
  const batch = await receive(lines)
  const query = vi.spyOn(journal.pool, 'query')
  try {
    await runSteps(dependencies(), await claim())
    expect(query.mock.calls.length).toBeLessThan(60)
  } finally {
    query.mockRestore()
  }
  expect(await stateOf(batch)).toMatchObject({ read: 300, good: 100, aside: 200, filed: 100 })
})
