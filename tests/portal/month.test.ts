/** A clerk files a month in a real browser, by the pages that intake serves. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { socialCreditCodeCheckCharacter } from '../../src/declaration/social-credit-code.ts'
import { buildPortal, portalFolder } from '../../src/platform/portal-build.mjs'
import { launchChromium } from '../support/chromium.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, startProcess } from '../support/engine.ts'
import { waitFor } from '../support/wait.ts'

let database: TestDatabase
let intake: EngineProcess
let worker: EngineProcess
let browser: Browser

const environment = () => ({
  DATABASE_URL: database.url,
  PORTAL_DIR: portalFolder,
  ENVIRONMENT: 'development',
})

beforeAll(async () => {
  await buildPortal()
  database = await createDatabase()
  intake = await startProcess('intake', environment())
  worker = await startProcess('worker', { DATABASE_URL: database.url })
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await worker?.end()
  await intake?.end('SIGKILL')
  await database?.drop()
})

const count = async (sql: string) => Number((await database.owner.query(sql)).rows[0]?.count)
const acceptances = 'select count(*) from journal.acceptance'

/** A page of somebody who is signed in for an employer of its own. */
async function signIn(employer: string, locale: string, width: number): Promise<Page> {
  const context = await browser.newContext({ locale, viewport: { width, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(90_000)
  await page.goto(`${intake.address}/sign-in?returnTo=%2F`)
  const form = page.locator('form').first()
  await form.locator('[name=employers]').fill(employer)
  await form.locator('button').click()
  await page.locator('a[href^="#/declare/"]').first().waitFor()
  return page
}

async function pasteTable(page: Page, names: { open: string; read: string }, rows: string[]) {
  await page.getByRole('button', { name: names.open }).click()
  await page.locator('dialog textarea').fill(rows.join('\n'))
  await page.locator('dialog').getByRole('button', { name: names.read }).click()
}

/** Pixels that the page is wider than the screen. */
const overflow = (page: Page) =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

test('a month is pasted, mended, confirmed and filed; the receipt and the amounts are those of the service', async () => {
  const page = await signIn('91350100M000100Y43', 'zh-CN', 1280)
  await page.locator('a[href^="#/declare/"]').first().click()
  await pasteTable(page, { open: '粘贴表格', read: '读入' }, [
    '姓名\t证件号码\t申报工资\t变动情况',
    '张三\t11010519491231002X\t6500.00\t无',
    '李<img src=x onerror=alert(1)>四\t110105194912310011\t8,200.50\t增员',
    '王五\t11010519491231002X\t７０００\t无',
  ])
  // The third row is the first one's person: nothing can be filed before it is mended.
  await page.getByText('同一参保人出现多次').waitFor()
  const next = page.getByRole('button', { name: /先改正错误|下一步/ })
  expect(await next.isDisabled()).toBe(true)
  await page.getByRole('button', { name: /第 3 行/ }).click()
  await page.getByRole('button', { name: '删除此行' }).click()
  await page.getByRole('button', { name: '下一步：核对金额' }).click()
  const shown = await page.locator('main table').innerText()
  expect(await count(acceptances)).toBe(0)
  await page.getByRole('button', { name: /确认并申报/ }).click()
  await page.getByRole('heading', { name: '已受理' }).waitFor()
  const id = await expectAmounts(page, shown)
  expect([await count(acceptances), await count('select count(*) from ledger.line')]).toEqual([
    1, 2,
  ])
  await expectProof(page, id)
  await page.context().close()
})

test('a month that is filed already is not taken for filed again: it is corrected', async () => {
  const code = '91350100M000200Y4'
  const page = await signIn(`${code}${socialCreditCodeCheckCharacter(code)}`, 'zh-CN', 1280)
  await page.locator('a[href^="#/declare/"]').last().click()
  const fileOne = async (wage: string) => {
    await pasteTable(page, { open: '粘贴表格', read: '读入' }, [
      '姓名\t证件号码\t申报工资',
      `张三\t11010519491231002X\t${wage}`,
    ])
    await page.getByRole('button', { name: '下一步：核对金额' }).click()
    await page.getByRole('button', { name: /确认并申报/ }).click()
  }
  await fileOne('6500')
  await page.getByRole('heading', { name: '已受理' }).waitFor()
  const first = page.url()
  await page.getByRole('link', { name: '首页' }).click()
  await page.locator('a[href^="#/declare/"]').last().click()
  // The page saw the first receipt: it must not show it for what is refused now.
  await fileOne('7000')
  await page.getByRole('heading', { name: '本月已经申报过' }).waitFor()
  await page.getByRole('button', { name: '作为更正提交' }).click()
  await page.getByRole('button', { name: '下一步：核对金额' }).click()
  const shown = await page.locator('main table').innerText()
  await page.getByRole('button', { name: /确认并申报/ }).click()
  await page.getByRole('heading', { name: '已受理' }).waitFor()
  expect(page.url()).not.toBe(first)
  await expectAmounts(page, shown)
  await page.context().close()
})

/** What was shown before it was filed is what the service posted, and what the receipt shows; returns its id. */
async function expectAmounts(page: Page, shown: string): Promise<string> {
  await page.getByText('已入账').waitFor()
  const id = decodeURIComponent(page.url().split('#/receipt/')[1] ?? '')
  const filed = (await page.evaluate(
    `fetch('/v1/declarations/${id}').then((answer) => answer.json())`,
  )) as { status: string; assessment: { total: Record<string, string> } }
  expect(filed.status).toBe('posted')
  for (const total of Object.values(filed.assessment.total)) {
    expect(shown.replaceAll(',', '')).toContain(total)
  }
  expect(await page.locator('main table').innerText()).toBe(shown)
  return id
}

/** Whoever has the receipt proves it without signing in; one that says something else is none. */
async function expectProof(page: Page, id: string) {
  const address = (await page.locator('figure a').getAttribute('href')) ?? ''
  const receipt = (await page.evaluate(
    `fetch('/v1/declarations/${id}/receipt').then((answer) => answer.text())`,
  )) as string
  const context = await browser.newContext({ locale: 'zh-CN' })
  const stranger = await context.newPage()
  stranger.setDefaultTimeout(90_000)
  await stranger.goto(address)
  await stranger.getByText('回执真实').waitFor()
  const verify = async (text: string) => {
    await stranger.locator('textarea').fill(text)
    await stranger.getByRole('button', { name: '核验' }).click()
  }
  const late = receipt
    .replace('"onTime":true', '"onTime":null')
    .replace('"onTime":false', '"onTime":true')
  await verify(late)
  await stranger.getByText('回执不真实').waitFor()
  await verify('{}')
  await stranger.getByText('这不是完整的回执').waitFor()
  await verify(receipt)
  await stranger.getByText('回执真实').waitFor()
  await context.close()
}

test('intake dies between commit and reply: the page sends the same again, and it counts once', async () => {
  const page = await signIn('91350100M000100Y43', 'en', 360)
  // What was filed for a month is the draft of the next one: no person is typed again.
  await page.locator('a[href^="#/declare/"]').last().click()
  await pasteTable(page, { open: 'Paste a table', read: 'Read the rows' }, [
    'name\tid number\twage',
    '赵六\t110105194912310038\t7100',
  ])
  expect(await overflow(page)).toBe(0)
  await page.getByRole('button', { name: /Next: check/ }).click()
  const before = await count(acceptances)
  const sent: string[] = []
  page.on('request', (request) => {
    if (request.method() !== 'POST' || !request.url().endsWith('/v1/declarations')) return
    sent.push(`${request.headers()['idempotency-key']} ${request.postData()}`)
  })
  const holder = await database.owner.connect()
  await holder.query('begin')
  await holder.query('lock table journal.acceptance in share mode')
  await page.getByRole('button', { name: /^File .* now$/ }).click()
  const waiting = `select count(*) from pg_stat_activity where application_name = 'spillway-accept' and wait_event_type = 'Lock' and datname = current_database()`
  await waitFor('the commit to wait', async () => (await count(waiting)) === 1)
  intake.signal('SIGSTOP')
  await holder.query('commit')
  holder.release()
  await waitFor('the commit', async () => (await count(acceptances)) === before + 1)
  await intake.end('SIGKILL')
  const { port } = new URL(intake.address)
  intake = await startProcess('intake', { ...environment(), PORT: port })
  await page.getByRole('heading', { name: 'Accepted' }).waitFor({ timeout: 90_000 })
  expect(await count(acceptances)).toBe(before + 1)
  expect(sent.length).toBeGreaterThan(1)
  expect(new Set(sent).size, 'the same key and bytes each time').toBe(1)
  await page.context().close()
})
