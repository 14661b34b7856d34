/** A day of twelve seconds, with real processes: one that passes, and one whose journal is slow. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { RehearsalRecord } from '../../bench/rehearsal/record.ts'
import { writeTinyDay } from './support/tiny-day.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(path.join(tmpdir(), 'spillway-rehearsal-test-'))

async function rehearse(name: string, patience: number, ...more: string[]) {
  const { profile, objectives } = writeTinyDay(folder, patience)
  const out = path.join(folder, name)
  const args = ['src/platform/bootstrap.mjs', 'bench/rehearse.ts', '--compress', '7200']
  args.push('--profile', profile, '--objectives', objectives, '--generators', '1', '--out', out)
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve) => {
    execFile(process.execPath, [...args, ...more], { cwd: root }, (error, stdout, stderr) =>
      resolve({ status: Number(error?.code ?? 0), text: stdout + stderr }),
    )
  })
  const read = () =>
    JSON.parse(readFileSync(path.join(out, 'record.json'), 'utf8')) as RehearsalRecord
  return { status, text, read }
}

const sum = (column: readonly number[]) => column.reduce((one, other) => one + other, 0)

test('a day with a worker killed passes, and every declaration of it is audited', async () => {
  const { status, text, read } = await rehearse(
    'passes',
    10,
    ...['--faults', 'worker killed@04:00', '--probe-seconds', '1'],
  )
  expect(status, text).toBe(0)
  const { verdict, reasons, totals, samples, events, audit, forecast, processes } = read()
  expect({ verdict, reasons }).toEqual({ verdict: 'pass', reasons: [] })
  expect(totals.accepted).toBeGreaterThan(100)
  expect(totals.returned).toBeGreaterThan(0)
  expect(totals.posted).toBe(totals.accepted)
  for (const column of ['offered', 'accepted', 'refused', 'returned', 'failed'] as const)
    expect(sum(samples[column]), column).toBe(totals[column])
  expect(totals.offered).toBe(totals.accepted + totals.refused + totals.returned + totals.failed)
  expect(audit?.passed).toBe(true)
  expect(audit?.declarations).toBeGreaterThan(totals.accepted)
  expect(forecast?.declarationsPerSecond).toBeGreaterThan(15)
  expect(events.map(({ kind }) => kind).sort()).toEqual(['fault', 'file'])
  expect(processes.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['intake', 'worker', 'batch-worker', 'postgres', 'generator']),
  )
}, 180_000)

test('a journal that is slow fails the day, and is named', async () => {
  const { status, text, read } = await rehearse(
    'fails',
    1,
    ...['--throttle', '400,90', '--faults', 'none', '--probe-seconds', '0'],
  )
  expect(status, text).toBe(1)
  const { verdict, objectives, audit } = read()
  expect(verdict).toBe('fail')
  expect(audit?.passed).toBe(true)
  const broken = objectives.filter(({ holds }) => !holds)
  const named = broken.map(({ name }) => name)
  const ofRoom = ['acceptedP99Ms', 'refusedShare', 'noAnswerShare']
  expect(ofRoom).toEqual(expect.arrayContaining(named))
  expect(named.length).toBeGreaterThan(0)
  for (const { why } of broken) expect(why).toMatch(/the journal was at its end: a commit .* ms/)
}, 180_000)
