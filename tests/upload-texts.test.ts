/** What the upload command says of addresses, connections and answers that are not an intake's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  givenUpText,
  isWorthRetrying,
  lostConnectionOf,
  refusalText,
  requestedLanguage,
} from '../src/commands/uploading/upload-texts.ts'
import { readKeyring } from '../src/platform/config/key-store.ts'
import { acquireEngineLock } from '../src/platform/process/engine-lock.ts'
import { runCommand } from './support/command.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'upload-texts-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = path.join(folder, 'file')
writeFileSync(file, 'a\n')

const url = 'http://127.0.0.1:8080'
const answer = (status: number, text: string) => ({ status, headers: new Headers(), text })

test('what a proxy answers is told in a sentence, whatever its page says', () => {
  const page = '<html><h1>413 Request Entity Too Large</h1></html>'
  expect(refusalText(answer(413, page), url, 'en')).toMatch(/^HTTP 413: a proxy before .*limit/)
  expect(refusalText(answer(502, ''), url, 'zh-CN')).toMatch(/^HTTP 502：.*代理连接不到受理服务/)
  expect(refusalText(answer(404, '[]'), url, 'en')).toMatch(/^HTTP 404: .* no Spillway intake/)
  const problem = { code: 'SLOT_OVER', message: { 'zh-CN': '过期', en: 'Over.' }, fix: {} }
  expect(refusalText(answer(409, JSON.stringify(problem)), url, 'en')).toBe('SLOT_OVER: Over.\n')
})

test('a refused connection, an unknown host, a certificate and silence are told apart', () => {
  const lost = (code: string) =>
    lostConnectionOf(Object.assign(new TypeError('failed'), { cause: { code } }))
  expect(givenUpText(lost('ECONNREFUSED'), url, 'en')).toMatch(/nothing listens at .*:8080\. Check/)
  expect(givenUpText(lost('ENOTFOUND'), url, 'zh-CN')).toMatch(/找不到 .* 的主机名/)
  expect(lostConnectionOf(new DOMException('', 'TimeoutError'))).toEqual({ lost: 'SILENT' })
  expect(
    ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'DEPTH_ZERO_SELF_SIGNED_CERT'].map((code) =>
      isWorthRetrying(lost(code)),
    ),
  ).toEqual([true, true, false, false])
})

test('the command follows PORT, says at once that nothing listens there, and takes no other file for a token', async () => {
  const args = [file, '--period', '2024-11', '--region', '340100', '--token', 'a.b.c']
  const refused = runCommand('src/commands/upload.ts', { PORT: '64999', LANG: 'C' }, args)
  await refused.says(/Sending .*file \(0\.0 kB\) to http:\/\/127\.0\.0\.1:64999\n/)
  await refused.says(
    /Connection refused: nothing listens at http:\/\/127\.0\.0\.1:64999; trying again/,
  )
  await refused.end()
  const more = ['--token-file', file, '--lang', 'zh-CN']
  const wrong = runCommand('src/commands/upload.ts', { PORT: '64999' }, [
    ...args.slice(0, 5),
    ...more,
  ])
  expect(await wrong.done).toBe(2)
  expect(wrong.output()).toBe(
    `令牌文件 ${file} 中不是令牌：应只有 "npm run --silent token" 输出的一行。\n`,
  )
})

test('how the command is used, and what it can not read, is said in the language asked for', async () => {
  for (const args of [['--lang', 'zh-CN'], ['--lang=zh-CN'], ['--lang', 'zh-CN', '--mod', 'check']])
    expect(requestedLanguage(args, { LANG: 'C' })).toBe('zh-CN')
  expect(requestedLanguage(['--lang', 'fr'], { LANG: 'zh_CN.UTF-8' })).toBe('zh-CN')
  expect(requestedLanguage(['--lang', 'en'], { LANG: 'zh_CN.UTF-8' })).toBe('en')
  const run = async (...args: string[]) => {
    const command = runCommand('src/commands/upload.ts', { LANG: 'C' }, args)
    await command.done
    return command.output()
  }
  const [usage, noToken, noFile] = await Promise.all([
    run('--lang', 'zh-CN'),
    run(file, '--token-file', `${file}-2`, '--lang', 'zh-CN'),
    run(`${file}-2`, '--token', 'a.b.c', '--lang', 'zh-CN'),
  ])
  expect(usage).toMatch(
    /^请指定一个文件。\n用法：npm run upload .*\|check\].*\n.*--mode check 只检查，不申报\n$/,
  )
  expect(noToken).toBe(`无法读取 ${file}-2（ENOENT）。\n`)
  expect(noFile).toBe(`无法读取 ${file}-2（ENOENT）。\n`)
})

test('a DATA_DIR that is a file, or another one than the engine’s, is told in a sentence', () => {
  for (const dataDir of [file, path.join(file, 'below')])
    expect(() => acquireEngineLock(dataDir, { port: 1 })).toThrow(/^DATA_DIR .* is a file/)
  const elsewhere = /^No keyring at .*Where the engine runs with another DATA_DIR/
  expect(() => readKeyring(path.join(folder, 'keyring.json'))).toThrow(elsewhere)
  expect(() => readKeyring(path.join(file, 'keyring.json'))).toThrow(elsewhere)
})
