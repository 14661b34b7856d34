/** A day of twelve seconds, with real processes: one that passes, one whose journal is slow, and some that are stopped. */
import { execFile, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { type RehearsalRecord, tooFew } from '../../bench/rehearsal/record.ts'
import { groupOf, parentOf } from '../../bench/support/processes.ts'
import { writeTinyDay } from './support/tiny-day.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(path.join(tmpdir(), 'spillway-rehearsal-test-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

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

/** All that a process has started, and what that has started. */
function descendants(pid: number): number[] {
  const children = readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) && parentOf(Number(name)) === pid ? [Number(name)] : [],
  )
  return children.flatMap((child) => [child, ...descendants(child)])
}

const isAlive = (pid: number) => existsSync(`/proc/${pid}`)

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
    ...['--throttle', '800,20', '--faults', 'none', '--probe-seconds', '0', '--workers', '1'],
  )
  expect(status, text).toBe(1)
  const { verdict, objectives, audit } = read()
  expect(verdict).toBe('fail')
  expect(audit?.passed).toBe(true)
  const broken = objectives.filter((one) => !one.holds && !tooFew(one))
  const named = broken.map(({ name }) => name)
  const ofRoom = ['acceptedP99Ms', 'refusedShare', 'noAnswerShare']
  expect(ofRoom).toEqual(expect.arrayContaining(named))
  expect(named.length).toBeGreaterThan(0)
  for (const { why } of broken) expect(why).toMatch(/the journal was at its end: a commit .* ms/)
}, 180_000)

/** Starts a rehearsal and, once it says this, stops it as Ctrl-C does: twice, the first time all of its group. */
async function stopWhen(moment: RegExp, temporary: string) {
  const { profile, objectives } = writeTinyDay(folder, 10)
  const args = ['src/platform/bootstrap.mjs', 'bench/rehearse.ts', '--compress', '7200']
  args.push('--profile', profile, '--objectives', objectives, '--faults', 'none', '--workers', '1')
  args.push('--probe-seconds', '0', '--out', path.join(temporary, 'out'))
  const env = { ...process.env, TMPDIR: temporary }
  const child = spawn(process.execPath, args, { cwd: root, env, detached: true })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
  const ended = new Promise<number>((resolve) => child.once('close', resolve))
  const started = () => descendants(child.pid as number)
  try {
    await expect.poll(() => text, { timeout: 60_000 }).toMatch(moment)
    // Intake, workers, Postgres and Redis, once they are there.
    await expect.poll(() => started().length, { timeout: 60_000 }).toBeGreaterThan(5)
    const pids = started()
    const reached = pids.filter((pid) => groupOf(pid) === child.pid)
    process.kill(-(child.pid as number), 'SIGINT')
    await expect.poll(() => text, { timeout: 10_000 }).toMatch(/stopping: /)
    child.kill('SIGINT') // as npm passes it on
    return { pids, reached, ended, text: () => text }
  } catch (error) {
    child.kill('SIGINT')
    throw error
  }
}

test.each([
  ['while it is prepared', /starting an engine/],
  ['in the middle of the day', /second \d+: file of 5,200 rows/],
])(
  'stopped %s, it ends all that it started and leaves nothing behind',
  async (_, moment) => {
    const temporary = mkdtempSync(path.join(folder, 'temporary-'))
    // Postgres never runs as root, and must find its data.
    for (const one of [folder, temporary]) chmodSync(one, 0o755)
    const { pids, reached, ended, text } = await stopWhen(moment, temporary)
    expect(reached, 'processes that Ctrl-C reaches as well').toEqual([])
    expect(await ended, text()).toBe(130)
    expect(text()).toMatch(/Stopped by SIGINT\. There is no verdict/)
    await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([])
    expect(readdirSync(temporary)).toEqual([])
  },
  120_000,
)
