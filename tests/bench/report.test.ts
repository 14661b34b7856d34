/** The report of a rehearsal, as a real browser shows it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { envelope } from '../../bench/rehearsal/load/envelope.ts'
import { compareRecords, differences, rule } from '../../bench/rehearsal/page/compare.ts'
import { compareHtml } from '../../bench/rehearsal/page/compare-page.ts'
import { daySvg } from '../../bench/rehearsal/page/day-charts.ts'
import { reportHtml } from '../../bench/rehearsal/page/report.ts'
import type { RehearsalRecord } from '../../bench/rehearsal/record.ts'
import { launchChromium } from '../support/chromium.ts'
import { makeEmptyRecord, makeRecord } from './support/record.ts'

const checks = readFileSync(new URL('support/page-checks.js', import.meta.url), 'utf8')
const folder = mkdtempSync(path.join(tmpdir(), 'spillway-report-'))
const fast = makeRecord({ compress: 24, verdict: 'fail' })
const fastHtml = reportHtml(fast)

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, 300_000)
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

type Look = {
  readonly width?: number
  readonly dark?: boolean
  readonly print?: boolean
  readonly script?: boolean
}
type Seen = { readonly page: Page; readonly complaints: string[]; readonly requests: string[] }

/** With scripts and without: a page is made once, which takes as long as showing a report. */
const pages = new Map<boolean, Promise<Page>>()

/** Opens a report as a file; what the browser complains of and asks for from then on is noted. */
async function open(text: string, look: Look = {}, name = 'report.html'): Promise<Seen> {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  const { width = 1280, dark = false, print = false, script = true } = look
  const opened = pages.get(script) ?? browser.newPage({ javaScriptEnabled: script })
  pages.set(script, opened)
  const page = await opened
  const [complaints, requests]: [string[], string[]] = [[], []]
  page.removeAllListeners()
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => requests.push(request.url()))
  await page.setViewportSize({ width, height: 900 })
  await page.emulateMedia({
    media: print ? 'print' : 'screen',
    colorScheme: dark ? 'dark' : 'light',
  })
  await page.goto(`file://${file}`)
  await page.evaluate(checks)
  return { page, complaints, requests }
}

const sections = 'verdict day latency-map processes forecast recovery audit settings'.split(' ')

test.each([
  ['passed', makeRecord({ compress: 24 })],
  ['failed', fast],
  ['void', makeRecord({ compress: 240, verdict: 'void' })],
  ['empty', makeEmptyRecord()],
])(
  'the report of a %s rehearsal opens without a complaint, a request, or a missing section',
  async (_, record) => {
    const { page, complaints, requests } = await open(reportHtml(record))
    expect(complaints).toEqual([])
    expect(requests).toHaveLength(1)
    const ids = await page.evaluate<string[]>(
      `[...document.querySelectorAll('main > section')].map(({ id }) => id)`,
    )
    expect(ids).toEqual(sections)
    const verdict = { pass: 'Passed', fail: 'Failed', void: 'Void' }[record.verdict]
    expect(await page.locator('main > section').first().innerText()).toContain(verdict)
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
  },
)

test.each([320, 380, 700, 1000, 1280, 1900])(
  'at a width of %i pixels nothing is cut, covered or scrolled to',
  async (width) => {
    const { page } = await open(fastHtml, { width })
    expect(await page.evaluate('checks.badLabels()')).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
  },
)

test('a day of 86,400 seconds and a million declarations is a small file that opens at once', async () => {
  const record = makeRecord()
  expect(record.samples.timeOfDay).toHaveLength(86_400)
  expect(record.processes.length).toBeGreaterThanOrEqual(12)
  const html = reportHtml(record)
  expect(Buffer.byteLength(html)).toBeLessThan(3_000_000)
  const { page } = await open(html)
  const loadedMs = await page.evaluate<number>(
    'performance.getEntriesByType("navigation")[0].loadEventEnd',
  )
  expect(await page.evaluate('checks.badLabels()')).toEqual([])
  const busyMs = await busyMsOf(page, () => page.reload())
  console.log(
    `${Buffer.byteLength(html)} bytes, opened in ${Math.round(loadedMs)} ms, ${Math.round(busyMs)} of them on a core`,
  )
  // Whatever runs beside it, two seconds are asked for.
  expect(busyMs).toBeLessThan(2_000)
})

/** For how long a page keeps a core busy while this is done: what runs beside it does not count. */
async function busyMsOf(page: Page, work: () => Promise<unknown>): Promise<number> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  await work()
  const { metrics } = await devtools.send('Performance.getMetrics')
  await devtools.detach()
  const seconds = metrics.find(({ name }) => name === 'TaskDuration')?.value
  expect(seconds).toBeGreaterThan(0)
  return (seconds as number) * 1_000
}

test('a peak of one second is in the drawing, and so is a lonely value', () => {
  const values = Array.from({ length: 86_400 }, (_, second) => (second === 60_007 ? 999 : null))
  const points = envelope(values, 'median').filter((point) => point !== null)
  expect(points).toEqual([{ x: 60_060, y: 999, low: 999, high: 999 }])
  const noisy = envelope(
    values.map((value) => value ?? 1),
    'mean',
  )
  expect(Math.max(...noisy.map((point) => point?.high ?? 0))).toBe(999)
})

test.each([false, true])(
  'texts and lines stand out from the paper, and lines differ without colour (dark: %s)',
  async (dark) => {
    const { page } = await open(fastHtml, { dark })
    expect(await page.evaluate('checks.faintTexts(4.5)')).toEqual([])
    const drawings = await page.evaluate<{ dash: string; contrast: number }[][]>('checks.lines()')
    expect(drawings.filter((lines) => lines.length > 1).length).toBeGreaterThanOrEqual(3)
    for (const lines of drawings) {
      expect(new Set(lines.map(({ dash }) => dash)).size).toBe(lines.length)
      for (const { contrast } of lines) expect(contrast).toBeGreaterThan(3)
    }
  },
)

test('on paper it is A4, with a place to sign on the first sheet', async () => {
  const { page } = await open(fastHtml, { print: true, width: 688 })
  expect(await page.evaluate('checks.badLabels()')).toEqual([])
  const signature = await page.locator('.signature').boundingBox()
  // A sheet without its margins, in pixels of CSS.
  expect((signature?.y ?? 9e9) + (signature?.height ?? 0)).toBeLessThan(((297 - 30) / 25.4) * 96)
  const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString(
    'latin1',
  )
  expect(pdf).toMatch(/MediaBox \[0 0 59[45][.\d]* 84[12]/)
  const sheets = pdf.match(/\/Type \/Page\b/g)?.length ?? 0
  expect(sheets).toBeGreaterThan(3)
  expect(sheets).toBeLessThan(16)
})

test('an objective that rests on too few is marked as neither held nor missed', async () => {
  const [first, ...others] = fast.objectives
  if (first === undefined) throw new Error('no objective')
  const few = { ...first, holds: false, restsOn: { count: 205, enough: false }, why: 'of 205.' }
  const { page } = await open(reportHtml({ ...fast, objectives: [few, ...others] }))
  const row = page.locator('table.objectives tbody tr').first()
  expect(await row.locator('.sign').innerText()).toBe('too few')
  expect(await row.innerText()).toContain('of 205')
})

test('a picture of a day stands by itself: nothing covered, every mark told, nothing asked for', async () => {
  const { page, requests } = await open(daySvg(fast), { width: 1100 }, 'day.svg')
  expect(requests).toHaveLength(1)
  const boxes = await page.evaluate<{ text: string; box: number[]; inside: boolean }[]>(
    `(() => {
      const all = document.documentElement.getBoundingClientRect()
      return [...document.querySelectorAll('text')].map((one) => {
        const { left, top, right, bottom } = one.getBoundingClientRect()
        const inside = left >= 0 && top >= 0 && right <= all.right && bottom <= all.bottom
        // A line of text is higher than its letters.
        const box = [left + 3, top + 3, right - 3, bottom - 3]
        return { text: one.textContent, box, inside }
      })
    })()`,
  )
  expect(boxes.filter(({ inside }) => !inside)).toEqual([])
  const covers = (one: number[], other: number[]) =>
    one.every((side, i) => (i < 2 ? side < (other[i + 2] ?? 0) : side > (other[i - 2] ?? 0)))
  const covered = boxes.flatMap(({ text, box }, i) =>
    boxes
      .slice(i + 1)
      .flatMap((other) => (covers(box, other.box) ? [`${text} / ${other.text}`] : [])),
  )
  expect(covered).toEqual([])
  for (const { title } of fast.events)
    expect(
      boxes.some(({ text }) => text.endsWith(`: ${title}`)),
      title,
    ).toBe(true)
})

test('on the screen there is nothing to sign', async () => {
  const { page } = await open(fastHtml)
  expect(await page.locator('.signature').isVisible()).toBe(false)
})

test('values can be read with the keyboard, and every chart has a title, words and a table', async () => {
  const { page } = await open(fastHtml)
  await page.locator('#filings').focus()
  for (let i = 0; i < 5; i += 1) await page.keyboard.press('ArrowRight')
  const readout = await page.locator('#filings [role=status]').innerText()
  expect(readout).toMatch(/^\d\d:\d\d:\d\d\noffered: [\d,.]+ .*\naccepted: [\d,.]+/)
  const plain = await open(fastHtml, { script: false })
  const counts = await plain.page.evaluate<number[][]>(
    `[...document.querySelectorAll('figure.chart')].map((figure) =>
      ['svg.plot[role=img] > title', 'svg.plot > desc', 'details table tbody tr'].map(
        (what) => figure.querySelectorAll(what).length,
      ),
    )`,
  )
  expect(counts.length).toBeGreaterThan(3)
  for (const [titles, words, rows] of counts) {
    expect([titles, words]).toEqual([1, 1])
    expect(rows).toBeGreaterThan(5)
  }
})

const attack = `"><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'&lt;`
const texts = new Set(
  'title name unit why reasons settings machine sources reasoning saturatesFirst id endedAt startedAt'.split(
    ' ',
  ),
)

/** The record with the attack in every text of it. */
function attacked(value: unknown, within = false): unknown {
  if (typeof value === 'string') return within ? `${value}${attack}` : value
  if (Array.isArray(value)) return value.map((one) => attacked(one, within))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, attacked(one, within || texts.has(key))]),
  )
}

test('what a record says stays text, whatever it says', async () => {
  const record = attacked(fast) as RehearsalRecord
  const compared = {
    rows: compareRecords(record, record),
    differences: differences(record, fast),
    rule,
  }
  for (const html of [reportHtml(record), compareHtml(record, fast, compared)]) {
    const { page, complaints, requests } = await open(html)
    expect(complaints).toEqual([])
    expect(requests).toHaveLength(1)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.locator('h1').innerText()).toContain(attack)
  }
})

test('a comparison shows each chart of both, one above the other, on the same scales', async () => {
  const slow = makeRecord({ compress: 48, seed: 2, slower: 5 })
  const compared = { rows: compareRecords(fast, slow), differences: differences(fast, slow), rule }
  for (const width of [380, 1280]) {
    const { page, complaints } = await open(compareHtml(fast, slow, compared), { width })
    expect(complaints).toEqual([])
    expect(await page.evaluate('checks.badLabels()')).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    const scale = (id: string) =>
      page.locator(`#${id} text.tick[text-anchor=end]`).allTextContents()
    for (const id of ['filings', 'latency', 'backlog', 'heat']) {
      expect(await scale(`a-${id}`)).toEqual(await scale(`b-${id}`))
    }
  }
})
