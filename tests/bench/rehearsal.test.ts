/** A day of some seconds with an engine of its own, of real processes: one that fails, and some that are stopped. */
import { execFile, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { type RehearsalRecord, tooFew } from '../../bench/rehearsal/record.ts'
import { groupOf, parentOf } from '../../bench/support/processes.ts'
import { bareEnvironment } from '../support/command.ts'
import { waitFor } from '../support/wait.ts'
import { type TinyDay, writeTinyDay } from './support/tiny-day.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const env = { ...process.env, ...bareEnvironment }
const folder = mkdtempSync(path.join(tmpdir(), 'spillway-rehearsal-test-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function rehearse(day: TinyDay, ...more: string[]) {
  const { profile, objectives, compress } = writeTinyDay(folder, day)
  const out = path.join(folder, 'out')
  const args = ['src/platform/bootstrap.mjs', 'bench/rehearse.ts', '--compress', compress]
  args.push('--profile', profile, '--objectives', objectives, '--generators', '1', '--out', out)
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve) => {
    execFile(process.execPath, [...args, ...more], { cwd: root, env }, (error, stdout, stderr) =>
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

// Each commit takes 100 ms more than the objective allows; nothing else is missed, whatever the machine does.
const slowJournal = { perSecond: 40, fileRows: 520, acceptedP99Ms: 50 }

test('a day with a slow journal fails and names it; every declaration is audited, a worker killed or not', async () => {
  const { status, text, read } = await rehearse(
    slowJournal,
    ...['--throttle', '100', '--faults', 'worker killed@04:00', '--probe-seconds', '1'],
  )
  expect(status, text).toBe(1)
  const { verdict, objectives, totals, samples, events, audit, forecast, processes } = read()
  expect(verdict).toBe('fail')
  const broken = objectives.filter((one) => !one.holds && !tooFew(one))
  expect(broken.map(({ name }) => name)).toEqual(['acceptedP99Ms'])
  expect(broken[0]?.why).toMatch(/the journal was at its end: a commit .* ms/)
  expect(totals.p50Ms).toBeGreaterThan(100)
  expect(totals.accepted).toBeGreaterThan(50)
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

/** Starts a rehearsal and, once it says this, stops it as Ctrl-C does: twice, the first time all of its group. */
async function stopWhen(moment: RegExp, temporary: string) {
  const { profile, objectives } = writeTinyDay(folder)
  // Longer than it takes to stop it.
  const args = ['src/platform/bootstrap.mjs', 'bench/rehearse.ts', '--compress', '3600']
  args.push('--profile', profile, '--objectives', objectives, '--faults', 'none', '--workers', '1')
  args.push('--probe-seconds', '0', '--out', path.join(temporary, 'out'))
  const inTemporary = { ...env, TMPDIR: temporary }
  const child = spawn(process.execPath, args, { cwd: root, env: inTemporary, detached: true })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
  const ended = new Promise<number>((resolve) => child.once('close', resolve))
  const started = () => descendants(child.pid as number)
  try {
    await waitFor(`${moment}`, () => moment.test(text), 60_000)
    // Intake, workers, Postgres and Redis, once they are there.
    await waitFor('processes', () => started().length > 5, 60_000)
    const pids = started()
    const reached = pids.filter((pid) => groupOf(pid) === child.pid)
    process.kill(-(child.pid as number), 'SIGINT')
    await waitFor('what it says of its end', () => /stopping: /.test(text), 60_000)
    child.kill('SIGINT') // as npm passes it on
    return { pids, reached, ended, text: () => text }
  } catch (error) {
    child.kill('SIGINT')
    throw error
  }
}

test.concurrent.each([
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
    await waitFor('the end of all processes', () => !pids.some(isAlive), 60_000)
    expect(readdirSync(temporary)).toEqual([])
  },
  200_000,
)
