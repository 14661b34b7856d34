/**
 * `npm run upload -- FILE --period … --region … [--employer …]`: sends a file with many declarations to
 * an intake. After Ctrl-C, a lost connection or a restart, the same command continues where it stopped.
 * It stores nothing: the file's content and the options make the Idempotency-Key, and intake says how
 * much it has. Then it follows the batch until all is posted, or until it is known what is wrong.
 */
import { createHash } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
} from 'node:fs'
import { type IncomingMessage, request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { isDiscarded, isEnded } from '../batch/state/stages.ts'
import type { Text } from '../declaration/catalogue/entry.ts'
import {
  uploadFirstTriesMax,
  uploadRetryMsMax,
  uploadRetryMsMin,
  uploadSilenceMsMax,
  uploadTriesMax,
  uploadWaitSeconds,
} from '../limits.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { Bar } from '../platform/command/bar.ts'
import { reportFailure, tolerateClosedOutput, UsageError } from '../platform/command/failure.ts'
import { overwrite, say } from '../platform/command/output.ts'
import { readTextFile } from '../platform/command/text-file.ts'
import { errorsFileOf, type FollowedBatch, follow, stageName } from './uploading/upload-follow.ts'
import {
  type Answer,
  environmentLanguage,
  foreignAnswerText,
  givenUpText,
  isWorthRetrying,
  type Language,
  type LostConnection,
  lostConnectionOf,
  lostText,
  pick,
  refusalText,
  requestedLanguage,
  unreadableText,
} from './uploading/upload-texts.ts'

const kindsAndModes =
  '[--kind regular|correction|addition] [--mode all-or-nothing|accept-good|check] [--format csv|tsv|xlsx|ndjson] '

const usage: Text = {
  en: helpText(
    'Usage: npm run upload -- FILE --period YYYY-MM --region CODE (--token TOKEN | --token-file FILE) ' +
      `[--employer USCC] [--slot ID] ${kindsAndModes}` +
      '[--amends BATCH] [--url URL, or SPILLWAY_URL, or http://127.0.0.1:PORT] [--lang zh-CN|en] [--no-wait]\n' +
      '  --kind addition adds persons to the current declaration; --mode check files nothing and reports what would be filed',
    {
      '--period YYYY-MM': 'the period of the file',
      '--region CODE': 'the region of the file',
      '--employer USCC': 'the employer of rows that name none',
      '--token TOKEN': 'the bearer token',
      '--token-file FILE': 'the file that has the token',
      '--kind KIND': 'regular, correction, cancellation or addition',
      '--mode MODE':
        'all-or-nothing unless given; accept-good files the good rows; check files nothing',
      '--format FORMAT': 'csv, tsv, xlsx or ndjson; found from the content unless given',
      '--slot ID': 'the slot that was booked for the file',
      '--amends BATCH': 'the file whose wrong rows this one corrects',
      '--url URL': 'where the intake is',
      '--no-wait': 'end when the file is sent, before it is worked on',
      '--lang zh-CN|en': 'the language',
    },
    'npm run upload -- november.xlsx --period 2024-11 --region 340100 --token-file token.txt',
    'en',
  ),
  'zh-CN': helpText(
    '用法：npm run upload -- 文件 --period YYYY-MM --region 统筹区代码 (--token 令牌 | --token-file 令牌文件) ' +
      `[--employer 统一社会信用代码] [--slot 时段编号] ${kindsAndModes}` +
      '[--amends 批次] [--url 地址，或 SPILLWAY_URL，或 http://127.0.0.1:PORT] [--lang zh-CN|en] [--no-wait]\n' +
      '  --kind addition 把人员补充到已生效的申报；--mode check 只检查，不申报',
    {
      '--period YYYY-MM': '文件的所属期',
      '--region 代码': '文件的统筹区',
      '--employer 代码': '各行没有写明时的单位',
      '--token 令牌': '访问令牌',
      '--token-file 文件': '令牌文件',
      '--kind 种类': 'regular、correction、cancellation 或 addition',
      '--mode 方式': '不填为 all-or-nothing；accept-good 申报正确的行；check 只检查',
      '--format 格式': 'csv、tsv、xlsx 或 ndjson；不填则按内容判断',
      '--slot 编号': '为文件预约的时段',
      '--amends 批次': '本文件所更正的批次',
      '--url 地址': '受理服务的地址',
      '--no-wait': '发送后即结束，不等待处理',
      '--lang zh-CN|en': '语言',
    },
    'npm run upload -- november.xlsx --period 2024-11 --region 340100 --token-file token.txt',
    'zh-CN',
  ),
}

type Options = {
  readonly file: string
  readonly url: string
  readonly token: string
  readonly language: Language
  /**
   * Whether the address ever answered: until then, a refused connection is retried for a shorter time.
   */
  readonly reached: { yet: boolean }
  /** Waits until all is posted. */
  readonly waits: boolean
  readonly members: Readonly<Record<string, string>>
}

/** The fields of a batch that are used here. */
type Batch = FollowedBatch & {
  readonly received: number
  readonly receivedAt?: string
  readonly receipt?: { readonly statement: { readonly deadline?: string } }
  readonly links: { readonly sameAs?: string; readonly errors?: string }
}

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const options = readArguments(args)
  const size = sizeOf(options)
  const sha256 = await digestOf(options.file)
  const { language } = options
  const say = (zh: string, en: string) => write(`${pick(language, zh, en)}\n`)
  say(
    `${options.file}（${bytesText(size)}）发往 ${options.url}`,
    `Sending ${options.file} (${bytesText(size)}) to ${options.url}`,
  )
  const batch = await begin(options, { ...options.members, size, sha256 })
  const bar = new Bar()
  const progress = new Progress(size, bar, language)
  process.once('SIGINT', () => {
    bar.end()
    say('已停止。同一命令会从此处继续。', 'Stopped. The same command goes on from here.')
    process.exit(130)
  })
  if (batch.stage === 'receiving') {
    const received = bytesText(batch.received)
    if (batch.received > 0) say(`从 ${received} 之后继续。`, `Going on after ${received}.`)
    await sendAll(options, `/v1/batches/${batch.id}/file`, batch.received, progress)
  }
  bar.end()
  const sent = await look(options, batch.id, 0)
  report(sent, language)
  if (!options.waits || isDiscarded(sent.stage)) return
  const followed = {
    ...{ file: options.file, language: options.language, bar, write },
    look: (id: string) => look(options, id, uploadWaitSeconds),
    save: (place: string, file: string, as: 'beside' | 'over') => save(options, place, file, as),
    get: async (place: string) => jsonOf(options, await requestWithRetry(options, place, {})),
  }
  const id = sent.links.sameAs === undefined ? sent.id : path.basename(sent.links.sameAs)
  if (!(await follow(followed, id))) process.exitCode = 1
}

function readArguments(args: string[]): Options {
  const text = { type: 'string' } as const
  const spoken = requestedLanguage(args, process.env)
  const wrong = (zh: string, en: string) => wrongUse(pick(spoken, zh, en), usage[spoken])
  const options = {
    ...{ employer: text, period: text, region: text, format: text, token: text },
    ...{ slot: text, amends: text },
    'token-file': text,
    kind: { ...text, default: 'regular' },
    mode: { ...text, default: 'all-or-nothing' },
    url: { ...text, default: addressOf(process.env) },
    'no-wait': { type: 'boolean', default: false },
    lang: { ...text, default: environmentLanguage(process.env) },
  } as const
  const parsed = parseArguments({ args, allowPositionals: true, options }, usage[spoken], spoken)
  const { token, 'token-file': tokenFile, 'no-wait': noWait, url, lang, ...others } = parsed.values
  const [file, more] = parsed.positionals
  if (file === undefined || more !== undefined)
    throw wrong('请指定一个文件。', 'It takes one file.')
  if (lang !== 'zh-CN' && lang !== 'en')
    throw wrong('--lang 应为 zh-CN 或 en。', '--lang must be zh-CN or en.')
  if (!URL.canParse(url)) throw wrong(`--url ${url} 不是网址。`, `--url ${url} is no address.`)
  const held = token ?? (tokenFile && readToken(tokenFile, lang))
  if (!held) throw wrong('缺少 --token-file 或 --token。', '--token-file or --token is missing.')
  checkToken(held, tokenFile, lang)
  const members = { ...others, filename: path.basename(file) }
  const reached = { yet: false }
  return { file, url, token: held, language: lang, reached, waits: !noWait, members }
}

/** The address of `npm start` in the same environment, unless another is named. */
function addressOf({ SPILLWAY_URL: url, PORT: port }: NodeJS.ProcessEnv): string {
  return url || `http://127.0.0.1:${port || 8080}`
}

/**
 * @throws UsageError for text that is no token. The message doesn't quote it, because it may be another
 *   secret
 */
function checkToken(token: string, file: string | undefined, language: Language): void {
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return
  const [zh, en] =
    file === undefined ? ['--token', '--token'] : [`令牌文件 ${file}`, `Token file ${file}`]
  throw new UsageError(
    pick(
      language,
      `${zh} 中不是令牌：应只有 "npm run --silent token" 输出的一行。`,
      `${en} is no token: it should have the one line that "npm run --silent token" prints.`,
    ),
  )
}

function readToken(file: string, language: Language): string {
  if (!existsSync(file)) throw new UsageError(unreadableText(file, { code: 'ENOENT' }, language))
  return readTextFile(file).trim()
}

function sizeOf({ file, language }: Options): number {
  try {
    const { size } = statSync(file)
    if (size > 0) return size
  } catch (error) {
    throw new UsageError(unreadableText(file, error, language))
  }
  throw new UsageError(pick(language, `${file} 是空文件。`, `${file} is empty.`))
}

async function digestOf(file: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const bytes of createReadStream(file)) digest.update(bytes)
  return digest.digest('hex')
}

/**
 * An ended batch of the same content has used its key, so the next key is tried. Intake decides whether
 * what it filed still stands.
 */
async function begin(options: Options, members: Record<string, unknown>): Promise<Batch> {
  const { filename: _, ...identity } = members
  for (let nth = 1; ; nth += 1) {
    const text = JSON.stringify([Object.entries(identity).sort(), nth])
    const key = createHash('sha256').update(text).digest('hex').slice(0, 40)
    const answer = await requestWithRetry(options, '/v1/batches', {
      method: 'POST',
      headers: { 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(members),
    })
    const batch = jsonOf(options, answer) as Batch
    if (!isEnded(batch.stage)) return batch
  }
}

/** Waits until something changes or this many seconds pass. */
async function look(options: Options, id: string, seconds: number): Promise<Batch> {
  const headers: Record<string, string> = seconds > 0 ? { prefer: `wait=${seconds}` } : {}
  return jsonOf(options, await requestWithRetry(options, `/v1/batches/${id}`, { headers })) as Batch
}

/** The upload failed or was refused; the command was used correctly. */
class UploadError extends Error {
  override name = 'UploadError'
}

/** @throws UploadError if the answer is not an intake's */
function jsonOf({ url, language }: Options, { status, text }: Answer): unknown {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // a proxy's page, or nothing
  }
  throw new UploadError(foreignAnswerText(status, url, language))
}

/** An existing file of this name may contain fixes that are not sent yet. */
function saveBeside(part: string, file: string): string {
  for (let place = file; ; place = errorsFileOf(place)) {
    if (existsSync(place) && !readFileSync(place).equals(readFileSync(part))) continue
    renameSync(part, place)
    return place
  }
}

/**
 * Under its own name the file is complete. It contains what was filed of persons, so only its owner may
 * read it.
 * @returns its name, which differs if another file has this one
 */
async function save(
  options: Options,
  place: string,
  file: string,
  as: 'beside' | 'over',
): Promise<string> {
  const { url, token, language } = options
  const part = `${file}.part`
  for (let tries = 1; ; tries += 1) {
    let refused: Answer | LostConnection
    try {
      const answer = await fetch(new URL(place, url), {
        headers: { authorization: `Bearer ${token}` },
      })
      if (answer.ok && answer.body !== null) {
        const content = Readable.fromWeb(answer.body)
        await pipeline(content, createWriteStream(part, { mode: 0o600 }))
        if (as === 'beside') return saveBeside(part, file)
        renameSync(part, file)
        return file
      }
      refused = { status: answer.status, headers: answer.headers, text: await answer.text() }
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException
      if (syscall === 'open' || syscall === 'write' || syscall === 'rename')
        throw new UploadError(
          pick(language, `无法写入 ${file}（${code}）。`, `Can't write ${file} (${code}).`),
        )
      refused = lostConnectionOf(error)
    }
    await waitOrFail(options, refused, tries)
  }
}

/** Repeats a request until the answer is not "later". */
async function requestWithRetry(
  options: Options,
  place: string,
  init: RequestInit,
): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask(options, place, init)
    if ('status' in answer && answer.status < 300) return answer
    await waitOrFail(options, answer, tries)
  }
}

async function ask(
  { url, token, reached }: Options,
  place: string,
  init: RequestInit,
): Promise<Answer | LostConnection> {
  try {
    const answer = await fetch(new URL(place, url), {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
      signal: AbortSignal.timeout(uploadSilenceMsMax),
    })
    const text = await answer.text()
    reached.yet = true
    return { status: answer.status, headers: answer.headers, text }
  } catch (error) {
    return lostConnectionOf(error)
  }
}

/** Sends the missing bytes until all are there. */
async function sendAll(
  options: Options,
  place: string,
  from: number,
  progress: Progress,
): Promise<void> {
  let offset = from
  for (let tries = 1; ; tries += 1) {
    const answer = await sendFrom(options, place, offset, progress)
    const status = 'status' in answer ? answer.status : 0
    if (status === 204) return
    // If it is unclear how much arrived, intake is asked.
    if (status !== 409 && status !== 408) await waitOrFail(options, answer, tries)
    else await pause(uploadRetryMsMin)
    const { headers } = await requestWithRetry(options, place, { method: 'HEAD' })
    const received = Number(headers.get('upload-offset'))
    if (received > offset) tries = 0
    offset = received
    progress.lost(offset)
    if (received === progress.size) return
  }
}

function sendFrom(
  { url, token, file }: Options,
  place: string,
  offset: number,
  progress: Progress,
): Promise<Answer | LostConnection> {
  const target = new URL(place, url)
  const request = target.protocol === 'https:' ? requestSecure : requestPlain
  return new Promise((resolve, reject) => {
    const sending = request(target, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${token}`,
        'tus-resumable': '1.0.0',
        'content-type': 'application/offset+octet-stream',
        'upload-offset': offset,
        'content-length': progress.size - offset,
      },
    })
    const bytes = createReadStream(file, { start: offset, end: progress.size - 1 })
    const settle = (answer: Answer | LostConnection) => {
      bytes.destroy()
      sending.destroy()
      resolve(answer)
    }
    sending.setTimeout(uploadSilenceMsMax, () => settle({ lost: 'SILENT' }))
    sending.on('error', (error) => settle(lostConnectionOf(error)))
    sending.on('response', (response) => void readAnswer(response).then(settle))
    bytes.on('error', reject)
    bytes.on('data', (chunk) => progress.sent(chunk.length))
    bytes.pipe(sending)
  })
}

async function readAnswer(response: IncomingMessage): Promise<Answer | LostConnection> {
  try {
    const pieces: Buffer[] = []
    for await (const piece of response) pieces.push(piece as Buffer)
    const headers = new Headers(
      Object.entries(response.headersDistinct).map(([name, values]) => [name, String(values)]),
    )
    return { status: response.statusCode ?? 0, headers, text: Buffer.concat(pieces).toString() }
  } catch (error) {
    return lostConnectionOf(error)
  }
}

/** Waits as long as the answer says, or ever longer; throws if waiting can't help. */
async function waitOrFail(
  { language, url, reached }: Options,
  answer: Answer | LostConnection,
  tries: number,
): Promise<void> {
  const isLost = 'lost' in answer
  const triesMax = isLost && !reached.yet ? uploadFirstTriesMax : uploadTriesMax
  const later = isLost
    ? reached.yet || isWorthRetrying(answer)
    : answer.status === 429 || answer.status >= 500
  if (!later || tries >= triesMax) {
    const why = isLost ? givenUpText(answer, url, language) : refusalText(answer, url, language)
    throw new UploadError(why)
  }
  const advised = isLost ? 0 : 1_000 * Number(answer.headers.get('retry-after') ?? 0)
  const own = Math.min(uploadRetryMsMax, uploadRetryMsMin * 2 ** Math.min(tries, 10))
  const ms = advised > 0 ? advised : own * (0.5 + Math.random() / 2)
  if (process.stdout.isTTY) overwrite('')
  const why = isLost
    ? lostText(answer, url, language)
    : pick(language, `受理服务繁忙（${answer.status}）`, `The intake is busy (${answer.status})`)
  const seconds = (ms / 1_000).toFixed(1)
  const after = pick(language, `；${seconds} 秒后重试。`, `; trying again in ${seconds} s.`)
  write(`${why}${after}\n`)
  await pause(ms)
}

function report({ id, stage, receivedAt, links, receipt }: Batch, language: Language): void {
  const say = (zh: string, en: string) => write(`${pick(language, zh, en)}\n`)
  const [zhAt, enAt] =
    receivedAt === undefined ? ['', ''] : [`，接收时间 ${receivedAt}`, ` at ${receivedAt}`]
  const { deadline } = receipt?.statement ?? {}
  const late = deadline !== undefined && receivedAt !== undefined && receivedAt >= deadline
  const [zhTime, enTime] =
    deadline === undefined || receivedAt === undefined
      ? ['', '']
      : [
          `（${late ? '已逾期' : '按时'}，截止 ${deadline}）`,
          ` (${late ? 'late' : 'on time'}: the deadline is ${deadline})`,
        ]
  if (stage === 'duplicate')
    say(
      `该文件此前已发送：以 ${links.sameAs} 为准，而非批次 ${id}。`,
      `This file was sent before: ${links.sameAs} stands, not batch ${id}.`,
    )
  else
    say(
      `批次 ${id}：${stageName(stage, language)}${zhAt}${zhTime}。`,
      `Batch ${id} is ${stage}${enAt}${enTime}.`,
    )
  if (isDiscarded(stage)) process.exitCode = 1
}

/** How much of the file is sent. */
class Progress {
  readonly size: number
  readonly #bar: Bar
  readonly #language: Language
  #sent = 0

  constructor(size: number, bar: Bar, language: Language) {
    this.size = size
    this.#bar = bar
    this.#language = language
  }

  sent(bytes: number): void {
    this.#sent += bytes
    this.#show()
  }

  /** Only this much arrived. */
  lost(received: number): void {
    this.#sent = received
    this.#show()
  }

  #show(): void {
    const share = Math.min(1, this.#sent / this.size)
    const [percent, all] = [`${(100 * share).toFixed(1)}%`, bytesText(this.size)]
    this.#bar.show(
      share,
      'sending',
      pick(this.#language, `已发送 ${percent}，共 ${all}`, `${percent} of ${all}`),
    )
  }
}

function bytesText(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

/** One line with its end. */
function write(text: string): void {
  say(text.replace(/\n$/, ''))
}

main(process.argv.slice(2)).catch(reportFailure)
