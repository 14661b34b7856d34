/** What of two rehearsals is better, worse, or no difference. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { compareCommand, compareRecords, differences } from '../../bench/rehearsal/page/compare.ts'
import type { RehearsalRecord } from '../../bench/rehearsal/record.ts'
import { makeEmptyRecord, makeRecord } from './support/record.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'spillway-compare-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const day = makeRecord({ compress: 48 })

const judged = (a: RehearsalRecord, b: RehearsalRecord) =>
  Object.fromEntries(
    compareRecords(a, b)
      .filter(({ judgement }) => judgement !== 'within noise')
      .map(({ what, judgement }) => [what, judgement]),
  )

test('a rehearsal does not differ from itself, nor from the same engine with other chances', () => {
  expect(judged(day, day)).toEqual({})
  for (const seed of [2, 3, 4, 5])
    expect(judged(day, makeRecord({ compress: 48, seed }))).toEqual({})
})

test('what is slower all day is worse, and better the other way round', () => {
  const slow = makeRecord({ compress: 48, seed: 2, slower: 1.3 })
  const worse = { 'latency, p50': 'worse', 'latency, p99': 'worse' }
  expect(judged(day, slow)).toMatchObject(worse)
  expect(judged(slow, day)).toMatchObject({ 'latency, p50': 'better', 'latency, p99': 'better' })
  expect(Object.keys(judged(day, slow)).filter((what) => !what.startsWith('latency'))).toEqual([])
})

test('one bad half-hour moves an average and is still within the noise', () => {
  const backlog = day.samples.backlog.map((count, second) =>
    second > 1_000 && second < 1_030 ? count + 500_000 : count,
  )
  const rows = compareRecords(day, { ...day, samples: { ...day.samples, backlog } })
  const row = rows.find(({ what }) => what === 'backlog, on average')
  expect(row?.change).toBeGreaterThan(1)
  expect(row?.judgement).toBe('within noise')
  expect(rows.find(({ what }) => what === 'backlog, most')?.judgement).toBe('worse')
})

test('a broken invariant and a slow recovery count, though they are measured once', () => {
  const failed = makeRecord({ compress: 48, verdict: 'fail' })
  expect(judged(day, failed)).toMatchObject({
    'invariants, violations': 'worse',
    'all posted after “Redis gone”': 'worse',
  })
})

test('nothing is judged against a rehearsal that measured nothing, and it is told why', () => {
  const empty = makeEmptyRecord()
  expect(judged(day, empty)).toEqual({})
  expect(judged(empty, empty)).toEqual({})
  expect(differences(day, empty)).toContainEqual(expect.stringContaining('B is void'))
})

test('the command prints a table that cannot steer a terminal, and writes the page', () => {
  const file = (name: string, content: unknown) => {
    const at = path.join(folder, name)
    writeFileSync(at, JSON.stringify(content))
    return at
  }
  const titled = makeRecord({ compress: 240, title: 'a\u001b[31mb' })
  const [a, b, out] = [
    file('record.json', titled),
    file('b.json', day),
    path.join(folder, 'both.html'),
  ]
  const written: string[] = []
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text))
    return true
  })
  try {
    compareCommand(folder, b, out)
  } finally {
    write.mockRestore()
  }
  const text = written.join('')
  expect(text).toMatch(/^latency, p99 +61 ms +61 ms +0\.0 % +within noise$/m)
  expect(text).toContain('a\\u001b[31mb')
  expect(text).toContain('times shorter than the day: 240 / 48')
  expect(readFileSync(out, 'utf8')).toMatch(/^<!doctype html>/)
  const wrong = file('c.json', { format: 'spillway-rehearsal/0' })
  expect(() => compareCommand(a, wrong)).toThrow(/is not a record of the format .* rehearse again/)
  expect(() => compareCommand(a, path.join(folder, 'none'))).toThrow(
    /can't be read: .*Give a rehearsal's folder/,
  )
})
