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
  const shown = await page.locator('main table.amounts').innerText()
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

test('a month that is filed already is corrected by what stands, and cancelled; the history tells all of it', async () => {
  const code = '91350100M000200Y4'
  const employer = `${code}${socialCreditCodeCheckCharacter(code)}`
  const page = await signIn(employer, 'zh-CN', 1280)
  const declare = () => page.locator('a[href^="#/declare/"]').last().click()
  const enter = (...rows: string[]) =>
    pasteTable(page, { open: '粘贴表格', read: '读入' }, ['姓名\t证件号码\t申报工资', ...rows])
  const toConfirm = () => page.getByRole('button', { name: '下一步：核对金额' }).click()
  const accepted = () => page.getByRole('heading', { name: '已受理' }).waitFor()
  await declare()
  await enter('张三\t11010519491231002X\t6500', '李四\t110105194912310011\t8200.50')
  await toConfirm()
  const before = await page.locator('main table.amounts').innerText()
  await page.getByRole('button', { name: /确认并申报/ }).click()
  await accepted()
  const first = await expectAmounts(page, before)
  await page.getByRole('link', { name: '首页' }).click()
  await declare()
  await page.getByRole('heading', { name: '本月已申报' }).waitFor()
  expect(await page.locator('main .card').innerText()).toMatch(new RegExp(`${first}.*2 人`, 's'))
  expect(await page.locator('.grid').count()).toBe(0)

  // Lists are the first to be given up: then the answer to the filing tells what stands, and nothing typed is lost.
  await page.route('**/v1/declarations?*', (route) => route.fulfill({ status: 503 }))
  await page.reload()
  await enter('张三\t11010519491231002X\t7000', '王五\t110105194912310038\t9000')
  await toConfirm()
  await page.getByRole('button', { name: /确认并申报/ }).click()
  await page.getByRole('heading', { name: '本月已经申报过' }).waitFor()
  await page.unrouteAll()
  await page.getByRole('button', { name: '作为更正提交' }).click()
  await page.getByText('新增 1，删除 1，修改 1').waitFor()
  await toConfirm()
  await page.locator('.amount-differences').waitFor()
  expect(await page.locator('.differences').innerText()).toMatch(
    /删除\s*李四.*8,200.50.*新增\s*王五.*9,000.*修改\s*张三.*6,500.* → 7,000/s,
  )
  const difference = await page.locator('.amount-differences tfoot').innerText()
  const after = await page.locator('main table.amounts').innerText()
  await page.getByRole('button', { name: /提交.*更正/ }).click()
  await accepted()
  const corrected = await expectAmounts(page, after)
  await expectDifference(page, [first, corrected], difference)
  expect((await status(page, first)).supersededBy).toMatchObject({ id: corrected })

  // What another one replaced since is not cancelled.
  const cancel = page.getByRole('button', { name: '作废', exact: true })
  await cancel.click()
  await page.locator('dialog').getByText('不会恢复').waitFor()
  const wages = `lines.map((line) => ({ ...line, wage: '7100.00' }))`
  const newer = await fileFrom(page, corrected, `({ ...draft, lines: ${wages} })`)
  await page.getByRole('button', { name: '确认作废' }).click()
  await page.locator('dialog').getByText('没有提交作废：之后又有一份申报').waitFor()
  await page.locator('dialog').getByRole('link', { name: '查看生效的申报' }).click()
  await waitFor('the one that stands', async () => idOf(page) === newer)
  await page.getByText('已入账').waitFor()
  await cancel.click()
  await page.getByRole('button', { name: '确认作废' }).click()
  await page.getByText('现在没有生效的申报').waitFor()
  const cancelled = idOf(page)
  expect((await status(page, corrected)).supersededBy).toMatchObject({ id: newer })
  expect((await status(page, newer)).supersededBy).toMatchObject({ id: cancelled })
  const { rows } = await database.owner.query(
    'select kind from journal.acceptance where employer = $1 order by envelope, position',
    [employer],
  )
  expect(rows.map(({ kind }) => kind)).toEqual([
    ...['regular', 'correction', 'correction', 'cancellation'],
  ])

  // Two at a time: the others come with the button.
  await page.route('**/v1/declarations?*', (route, request) =>
    route.continue({ url: `${request.url()}${request.url().includes('limit') ? '' : '&limit=2'}` }),
  )
  await page.getByRole('link', { name: '申报记录' }).click()
  await page.getByRole('button', { name: '更早的申报' }).click()
  await page.getByText('共 4 份').waitFor()
  const history = page.locator('.history tbody tr')
  expect(await history.nth(1).innerText()).toMatch(/更正申报.*已作废.*作废它的申报/s)
  expect(await history.nth(3).innerText()).toMatch(/正常申报.*替代它的申报/s)
  await page.unrouteAll()

  // A bookmark of a correction that somebody else overtook overwrites nothing.
  await page.goto(`${intake.address}/#/correct/${first}`)
  await page.getByText('本月没有生效的申报').waitFor()
  await page.context().close()
})

test('a correction begins with all that is in force, and a colleague’s is not overwritten by it', async () => {
  const code = '91350100M000600Y4'
  const employer = `${code}${socialCreditCodeCheckCharacter(code)}`
  const page = await signIn(employer, 'en', 360)
  await page.locator('a[href^="#/declare/"]').first().click()
  await pasteTable(page, { open: 'Paste a table', read: 'Read the rows' }, [
    'name\tid number\twage\tchange',
    '张三\t11010519491231002X\t6500\tleave',
    '李四\t110105194912310011\t3000\tjoin',
  ])
  const next = () => page.getByRole('button', { name: /Next: check/ }).click()
  await next()
  await page.getByRole('button', { name: /^File .* now$/ }).click()
  await page.getByRole('heading', { name: 'Accepted' }).waitFor()
  const first = idOf(page)
  await page.getByRole('link', { name: 'Home' }).click()
  await page.getByText(first).waitFor()
  await page.getByRole('link', { name: 'Correct it' }).click()
  await page.getByText('the same as what is in force').waitFor()
  // Who left is there, too: the correction replaces all of it.
  expect(await page.locator('.grid').innerText()).toMatch(/张三.*Leaves.*李四.*Joins/s)
  await next()
  await page.getByText('there is nothing to correct').waitFor()
  const file = page.getByRole('button', { name: /File the correction/ })
  expect(await file.isDisabled()).toBe(true)
  await page.getByRole('link', { name: 'Change', exact: true }).click()
  await page.getByRole('button', { name: 'Remove from the declaration' }).click()
  await page.getByText('0 added, 1 removed, 0 changed').waitFor()
  const meanwhile = await fileCorrection(page, first)
  await next()
  await page.getByText('was accepted since and stands').waitFor()
  expect(await overflow(page)).toBe(0)
  await page.getByRole('link', { name: 'Correct that one, with what I entered' }).click()
  // The colleague's person would go, and the page says so before anything is filed.
  await page.getByText('0 added, 2 removed, 0 changed').waitFor()
  await next()
  await page.getByText(/^0 added, 2 removed/).waitFor()
  // Another one comes at the last moment: the service refuses to overwrite it, and nothing entered is lost.
  const wages = `lines.map((line, i) => (i > 0 ? line : { ...line, wage: '6600.00' }))`
  const latest = await fileFrom(page, meanwhile, `({ ...draft, lines: ${wages} })`)
  await file.click()
  await page.getByText('was accepted since and stands').waitFor()
  await page.getByRole('link', { name: 'Correct that one, with what I entered' }).click()
  await page.getByText(/0 added, 2 removed/).waitFor()
  await next()
  await page.getByText(/^0 added, 2 removed/).waitFor()
  // Where what stands is not told, the service refuses it.
  await page.route('**/v1/declarations?*', (route) => route.fulfill({ status: 503 }))
  const others = wages.replace('6600', '6700')
  const newest = await fileFrom(page, latest, `({ ...draft, lines: ${others} })`)
  await file.click()
  await page.getByText('It was not accepted: another declaration was accepted').waitFor()
  await page.unrouteAll()
  expect(await overflow(page)).toBe(0)
  await page.getByRole('link', { name: 'Correct that one, with what I entered' }).click()
  await page.getByText(/0 added, 2 removed/).waitFor()
  await next()
  await file.click()
  await page.getByRole('heading', { name: 'Accepted' }).waitFor()
  await page.getByText('Posted', { exact: true }).waitFor()
  const last = idOf(page)
  expect((await status(page, meanwhile)).supersededBy).toMatchObject({ id: latest })
  expect((await status(page, latest)).supersededBy).toMatchObject({ id: newest })
  expect((await status(page, newest)).supersededBy).toMatchObject({ id: last })
  await page.getByRole('link', { name: /Amounts of each person/ }).click()
  await page.getByRole('button', { name: /李四/ }).click()
  await page
    .getByText(/3000\.00 yuan.* below the floor/)
    .first()
    .waitFor()
  await page.keyboard.press('Escape')
  // What is corrected may be cancelled meanwhile: what was entered is filed as a declaration of its own.
  await page.goto(`${intake.address}/#/correct/${last}`)
  await page.getByText('the same as what is in force').waitFor()
  await fileFrom(page, last, `({ kind: 'cancellation', replaces: '${last}' })`)
  await next()
  await page.getByText('nothing stands for the month').waitFor()
  await page.getByRole('button', { name: 'File anew' }).click()
  await page.getByRole('heading', { name: /^Declaration for/ }).waitFor()
  expect(await page.locator('.grid').innerText()).toContain('李四')
  // What is entered right before another month is opened is there afterwards.
  const grid = page.locator('.grid')
  const title = page.getByRole('heading', { name: /^Declaration for/ })
  const [all, month] = [await grid.innerText(), await title.innerText()]
  await page.getByRole('button', { name: 'Mark as leaving' }).click()
  await waitFor('the row to change', async () => (await grid.innerText()) !== all)
  const left = await grid.innerText()
  const [year = 0, nth = 0] = last.match(/\d{4}|\d{2}/g)?.map(Number) ?? []
  const before = new Date(Date.UTC(year, nth - 2)).toISOString().slice(0, 7)
  await page.evaluate(`location.hash = '#/declare/${before}'`)
  await waitFor('the other month', async () => (await title.innerText()) !== month)
  await page.goBack()
  await waitFor('the month again', async () => (await title.innerText()) === month)
  await waitFor('what was entered', async () => (await grid.innerText()) === left)
  await page.goto(`${intake.address}/#/findings/WAGE_BELOW_FLOOR`)
  await page.getByText('What to do').waitFor()
  await page.context().close()
})

const idOf = (page: Page) => decodeURIComponent(page.url().split('#/receipt/')[1] ?? '')

type Status = {
  readonly status: string
  readonly assessment: { readonly total: Readonly<Record<string, string>> }
  readonly supersededBy?: { readonly id: string }
}

const status = (page: Page, id: string): Promise<Status> =>
  page.evaluate(`fetch('/v1/declarations/${id}').then((answer) => answer.json())`)

/** A colleague adds somebody to what is in force. */
const fileCorrection = (page: Page, id: string) =>
  fileFrom(
    page,
    id,
    `({
      ...draft,
      lines: [
        ...lines,
        {
          person: { idType: 'resident-id', idNumber: '110105194912310038', name: '王五' },
          category: 'employee', wage: '9000.00', change: 'join',
        },
      ],
    })`,
  )

/** Files beside the page what is made of the draft that corrects a declaration; returns its id. */
function fileFrom(page: Page, id: string, made: string): Promise<string> {
  return page.evaluate(`(async () => {
    const { employer, period } = await (await fetch('/v1/declarations/${id}')).json()
    const query = 'period=' + period + '&corrects=${id}'
    const answered = await fetch('/v1/employers/' + employer + '/draft?' + query)
    const { from, standing, leftOut, lines, ...draft } = await answered.json()
    const { region } = draft
    const answer = await fetch('/v1/declarations', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
      body: JSON.stringify({ employer, period, region, ...${made} }),
    })
    return (await answer.json()).id
  })()`)
}

/** The difference that was shown, in yuan by side, is that of the ledger. */
async function expectDifference(page: Page, ids: readonly [string, string], shown: string) {
  const [before, after] = await Promise.all(ids.map((id) => status(page, id)))
  for (const side of ['employer', 'employee']) {
    const [was, is] = [before, after].map((one) => Number(one?.assessment.total[side]))
    const fen = Math.round(100 * ((is ?? 0) - (was ?? 0)))
    const sign = fen > 0 ? '+' : '−'
    expect(shown.replaceAll(',', '')).toContain(`${sign}${(Math.abs(fen) / 100).toFixed(2)}`)
  }
}

/** What was shown before it was filed is what the service posted, and what the receipt shows; returns its id. */
async function expectAmounts(page: Page, shown: string): Promise<string> {
  await page.getByText('已入账').waitFor()
  const id = idOf(page)
  const filed = await status(page, id)
  expect(filed.status).toBe('posted')
  for (const total of Object.values(filed.assessment.total)) {
    expect(shown.replaceAll(',', '')).toContain(total)
  }
  expect(await page.locator('main table.amounts').innerText()).toBe(shown)
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
