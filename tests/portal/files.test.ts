/** A clerk sends a file in a real browser, and mends in the page what is wrong with it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page, Route } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPortal, portalFolder } from '../../src/platform/portal-build.mjs'
import { launchChromium } from '../support/chromium.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, startProcess } from '../support/engine.ts'
import { declare } from '../support/journal.ts'

let database: TestDatabase
let processes: readonly EngineProcess[] = []
let browser: Browser
beforeAll(async () => {
  await buildPortal()
  database = await createDatabase()
  const environment = { DATABASE_URL: database.url }
  processes = await Promise.all([
    startProcess('intake', {
      ...environment,
      PORTAL_DIR: portalFolder,
      ENVIRONMENT: 'development',
    }),
    startProcess('worker', environment),
    startProcess('batches', environment),
  ])
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await Promise.all(processes.map((one) => one.end('SIGKILL')))
  await database?.drop()
})

const count = async (sql: string) => Number((await database.owner.query(sql)).rows[0]?.count)

/** The files of somebody who is signed in for an employer of its own. */
async function openFiles(locale: string, width: number): Promise<Page> {
  const context = await browser.newContext({ locale, viewport: { width, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(90_000)
  page.on('dialog', (dialog) => void dialog.accept())
  await page.goto(`${processes[0]?.address}/sign-in?returnTo=%2F`)
  const form = page.locator('form').first()
  await form.locator('[name=employers]').fill(declare().employer)
  await form.locator('button').click()
  await page.locator('a[href="#/files"]').click()
  await page.locator('#file').waitFor()
  return page
}

/** More than a part: a fifth of the rows is right, the others have a comma for a point. */
const fileRows = 1_000
function wagesFile(name: string) {
  const lines = (declare({ lines: fileRows }).lines ?? []) as { person: Record<string, string> }[]
  const rows = lines.map(({ person: { name: of, idNumber } }, nth) =>
    [of, idNumber, nth % 5 === 0 ? '6500.00' : '"6500,50"', '无', '研发部'.repeat(40)].join(','),
  )
  const text = ['姓名,证件号码,申报工资,变动情况,部门', ...rows].join('\n')
  return { name, mimeType: 'text/csv', buffer: Buffer.from(text) }
}

/** The first part arrives, the line breaks before the next one. */
async function breakAfterFirstPart(page: Page): Promise<void> {
  let parts = 0
  await page.route('**/v1/batches/*/file', async (route: Route) => {
    parts += 1
    await (parts === 1 ? route.continue() : route.abort('connectionreset'))
  })
}

/** Pixels that the page is wider than the screen. */
const overflow = (page: Page) =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

test('a file goes on after a reload; thousands of rows with one cause are mended by one action and filed', async () => {
  const page = await openFiles('zh-CN', 1280)
  const file = wagesFile('工资<img src=x onerror=alert(1)>.csv')
  await breakAfterFirstPart(page)
  await page.locator('#file').setInputFiles(file)
  await page.getByRole('button', { name: '上传并申报' }).click()
  await page.getByText('秒后自动继续').waitFor()
  await page.reload()
  await page.getByText('有一个文件没有传完').waitFor()
  await page.locator('#file-again').setInputFiles({ ...file, buffer: Buffer.from('another') })
  await page.getByText('这不是没传完的那个文件').waitFor()
  await page.unroute('**/v1/batches/*/file')
  const offsets: string[] = []
  page.on('request', (request) => {
    if (request.method() === 'PATCH') offsets.push(request.headers()['upload-offset'] ?? '')
  })
  await page.locator('#file-again').setInputFiles(file)
  await page.getByText('已申报，已入账').first().waitFor()
  expect(Number(offsets[0])).toBeGreaterThan(0)
  expect(await count('select count(*) from batch.batch')).toBe(1)
  expect(await count('select count(*) from ledger.line')).toBe(fileRows / 5)

  await page.getByRole('button', { name: `${(fileRows * 4) / 5} 行都采用建议` }).click()
  // What was changed is there after a reload, and undone row by row.
  await page.getByText('改动保存在本机').waitFor()
  await page.reload()
  await page.getByRole('button', { name: '恢复原样' }).first().click()
  const wage = page.getByRole('textbox', { name: '第 3 行，申报工资' })
  expect(await wage.inputValue()).toBe('6500,50')
  await wage.fill('7000')
  // Whoever may only look reads so, and that these rows are not filed.
  await page.route('**/session', async (route: Route) => {
    const answer = await route.fetch()
    await route.fulfill({ response: answer, json: { ...(await answer.json()), may: [] } })
  })
  await page.getByText('改动保存在本机').waitFor()
  await page.reload()
  await page.getByText('您的权限只能查看').waitFor()
  await page.unroute('**/session')
  await page.reload()
  // A file of mended rows is cancelled: what was changed in them is there as before.
  const [, , batches] = processes
  batches?.signal('SIGSTOP')
  const send = page.getByRole('button', { name: `发送改好的 ${(fileRows * 4) / 5} 行` })
  await send.click()
  await page.getByRole('button', { name: '取消这个文件' }).click()
  await page.locator('dialog').getByRole('button', { name: '取消这个文件' }).click()
  await page.getByText('已取消').first().waitFor()
  batches?.signal('SIGCONT')
  await page.getByRole('link', { name: '查看原文件' }).click()
  await send.waitFor()
  expect(await wage.inputValue()).toBe('7000')
  await send.click()
  await page.getByText('每一行都已申报并入账').waitFor()
  const inForce = `select sum(lines) as count from ledger.in_force_part`
  expect(await count(inForce)).toBe(fileRows)
  await page.getByRole('link', { name: '查看原文件' }).click()
  await page.getByText('这些行都已改正并申报').waitFor()

  // The same file again is not filed again.
  const acceptances = await count('select count(*) from journal.acceptance')
  await page.getByRole('link', { name: '全部文件' }).click()
  await page.locator('#file').setInputFiles(file)
  await page.getByRole('button', { name: '上传并申报' }).click()
  await page.getByText('这个文件以前上传过').waitFor()
  expect(await count('select count(*) from journal.acceptance')).toBe(acceptances)
  await page.context().close()
})

test('a file that was not sent to its end is given up; nothing of it is filed', async () => {
  const page = await openFiles('en', 360)
  await page.getByRole('button', { name: 'Send and file' }).click()
  await page.getByText('Choose a file first').waitFor()
  // Without regions it is not sent, and says so.
  await page.route('**/v1/policies', (route) => route.abort())
  await page.reload()
  await page.locator('#file').setInputFiles(wagesFile('wages.csv'))
  await page.getByRole('button', { name: 'Send and file' }).click()
  await page.getByText('The regions are not loaded yet').waitFor()
  await page.unroute('**/v1/policies')
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.locator('#file-region option').first().waitFor({ state: 'attached' })
  // A file that was saved again after it was chosen can't be read any more: it is chosen anew.
  const folder = await mkdtemp(join(tmpdir(), 'spillway-file-'))
  const saved = join(folder, 'wages.csv')
  await writeFile(saved, wagesFile('wages.csv').buffer)
  await page.locator('#file').setInputFiles(saved)
  await writeFile(saved, 'saved again')
  await page.getByRole('button', { name: 'Send and file' }).click()
  await page.getByText('The file can’t be read any more').waitFor()
  await rm(folder, { recursive: true })
  const other = await page.context().newPage()
  await other.goto(page.url())
  await other.locator('#file').setInputFiles(wagesFile('wages.csv'))
  await other.getByText('Only check; file nothing').click()
  await breakAfterFirstPart(page)
  await page.locator('#file').setInputFiles(wagesFile('wages.csv'))
  await page.getByRole('button', { name: 'Send and file' }).click()
  await page.getByText('goes on by itself').waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByText('A file was not sent to its end').waitFor()
  expect(await overflow(page)).toBe(0)
  // Another window chose otherwise: it goes on as it was begun, or not at all.
  await other.getByRole('button', { name: 'Send and check' }).click()
  await other.getByText('was begun with another month, region or way of filing').waitFor()
  expect(await overflow(other)).toBe(0)
  await other.close()
  await page.getByRole('button', { name: 'Give it up' }).click()
  await page.locator('#file').waitFor()
  await page.reload()
  await page.locator('a', { hasText: 'wages.csv' }).click()
  await page.getByText('Cancelled').waitFor()
  expect(await overflow(page)).toBe(0)
  await page.context().close()
})
