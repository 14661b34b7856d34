/** What people deploy with is what the processes are: their settings, flags, metrics and answers. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { requestClasses } from '../src/intake/overload/admission.ts'
import { idleMsMax, statusWaitSecondsMax } from '../src/limits.ts'
import { variables } from '../src/platform/config/config.ts'
import {
  createBatchMetrics,
  createIntakeMetrics,
  createWorkerMetrics,
} from '../src/platform/process/metrics.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

test('a unit starts its process as npm does, and sets what is a setting', () => {
  const units = readdirSync(path.join(root, 'deploy/systemd')).filter((file) =>
    /@\.service$/.test(file),
  )
  expect(units).toHaveLength(3)
  for (const unit of units) {
    const text = read(`deploy/systemd/${unit}`)
    const [, command] = /^ExecStart=\S+\/node (.+)$/m.exec(text) ?? []
    const kind = /^spillway-(.+)@/.exec(unit)?.[1] as string
    expect(scripts[kind]).toBe(`MALLOC_ARENA_MAX=2 exec node ${command}`)
    expect(text).toMatch(/^Environment=MALLOC_ARENA_MAX=2 /m)
    const names = [...text.matchAll(/^Environment=(.+)$/gm)].flatMap(([, list = '']) =>
      list.split(' ').map((one) => one.split('=')[0] as string),
    )
    const others = ['MALLOC_ARENA_MAX', 'NODE_COMPILE_CACHE']
    expect(names.filter((name) => !(name in variables) && !others.includes(name))).toEqual([])
  }
  const set = [...read('deploy/systemd/spillway.env').matchAll(/^([A-Z_]+)=/gm)].map(
    ([, name]) => name,
  )
  expect(set.length).toBeGreaterThan(5)
  expect(set.filter((name) => !((name as string) in variables))).toEqual([])
})

test('HAProxy asks whether an intake is ready, and its own 503 says when to come back, in both languages', () => {
  const config = read('deploy/haproxy/haproxy.cfg')
  expect(config).toMatch(/http-check send meth GET uri \/readyz/)
  const seconds = (name: string) => Number(new RegExp(`timeout ${name} (\\d+)s`).exec(config)?.[1])
  expect(seconds('http-keep-alive') * 1_000).toBeLessThan(idleMsMax)
  expect(seconds('server')).toBeGreaterThan(statusWaitSecondsMax)
  const answer = readFileSync(path.join(root, 'deploy/haproxy/spillway-503.http'))
  const end = answer.indexOf('\r\n\r\n')
  const head = answer.subarray(0, end).toString()
  const body = answer.subarray(end + 4)
  expect(head).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: \d+\r\n/s)
  expect(head).toContain(`Content-Length: ${body.length}`)
  const problem = JSON.parse(body.toString())
  expect(problem).toMatchObject({
    status: 503,
    code: 'UNAVAILABLE',
    fix: { 'zh-CN': expect.stringContaining('Idempotency-Key') },
  })
})

test('each alert is about metrics and classes that there are, and says what to do', async () => {
  const alerts = read('deploy/prometheus/alerts.yml')
  const exposed = await Promise.all(
    [createIntakeMetrics(), createWorkerMetrics(), createBatchMetrics()].map(({ registry }) =>
      registry.metrics(),
    ),
  )
  const names = new Set(
    exposed
      .join('\n')
      .match(/^# HELP (\S+)/gm)
      ?.map((line) => line.slice(7)),
  )
  const asked = new Set(alerts.match(/spillway_[a-z_]+/g))
  expect(asked.size).toBeGreaterThan(8)
  expect([...asked].filter((name) => !names.has(name))).toEqual([])
  for (const [, pattern] of alerts.matchAll(/class=~"([^"]+)"/g))
    expect(requestClasses.some((one) => new RegExp(`^(?:${pattern})$`).test(one))).toBe(true)
  const rules = alerts.split(/^ {6}- alert: /m).slice(1)
  const tests = read('deploy/prometheus/alerts.test.yml')
  for (const rule of rules) {
    expect(rule).toMatch(/^ {8}labels: \{ severity: (page|ticket) \}$/m)
    expect(rule).toMatch(/^ {10}summary: .+\n {10}action: .+$/m)
  }
  const named = new Set(rules.map((rule) => rule.split('\n')[0]))
  for (const [, alert] of tests.matchAll(/alertname: (\w+)/g)) expect(named).toContain(alert)
})
