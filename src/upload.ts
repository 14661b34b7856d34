/**
 * `npm run upload -- FILE --period … --region … [--employer …]`: sends a file with many declarations to an
 * intake. After Ctrl-C, a lost connection or a restart the same command goes on where it stopped. It
 * remembers nothing: the file's content and what is said of it make the Idempotency-Key, and the intake
 * tells how much it has. Then it follows the batch until all is posted, or it is known what is wrong.
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
import { parseArgs } from 'node:util'
import { isEnded, isGivenUp } from './batch/stages.ts'
import type { Text } from './declaration/catalogue/entry.ts'
import {
  uploadRetryMsMax,
  uploadRetryMsMin,
  uploadSilenceMsMax,
  uploadTriesMax,
  uploadWaitSeconds,
} from './limits.ts'
import { Bar } from './platform/bar.ts'
import { reportFailure, tolerateClosedOutput, UsageError } from './platform/failure.ts'
import { readTextFile } from './platform/text-file.ts'
import { errorsFileOf, type FollowedBatch, follow } from './upload-follow.ts'

const usage =
  'Usage: npm run upload -- FILE --period YYYY-MM --region CODE (--token TOKEN | --token-file FILE) ' +
  '[--employer USCC] [--slot ID] [--kind regular|correction|addition] [--mode all-or-nothing|accept-good] [--format csv|tsv|xlsx|ndjson] ' +
  '[--amends BATCH] [--url http://127.0.0.1:8080] [--lang zh-CN|en] [--no-wait]'

type Options = {
  readonly file: string
  readonly url: string
  readonly token: string
  readonly language: keyof Text
  /** Until all is posted. */
  readonly waits: boolean
  readonly members: Readonly<Record<string, string>>
}

/** What an intake answered. */
type Answer = { readonly status: number; readonly headers: Headers; readonly text: string }

/** As much of a batch as is needed here. */
type Batch = FollowedBatch & {
  readonly received: number
  readonly receivedAt?: string
  readonly links: { readonly sameAs?: string; readonly errors?: string }
}

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const options = readArguments(args)
  const size = sizeOf(options.file)
  const sha256 = await digestOf(options.file)
  const batch = await begin(options, { ...options.members, size, sha256 })
  const bar = new Bar()
  const progress = new Progress(size, bar)
  process.once('SIGINT', () => {
    bar.end()
    write('Stopped. The same command goes on from here.\n')
    process.exit(130)
  })
  if (batch.stage === 'receiving') {
    if (batch.received > 0) write(`Going on after ${bytesText(batch.received)}.\n`)
    await sendAll(options, `/v1/batches/${batch.id}/file`, batch.received, progress)
  }
  bar.end()
  const sent = await look(options, batch.id, 0)
  tell(sent)
  if (!options.waits || isGivenUp(sent.stage)) return
  const followed = {
    ...{ file: options.file, language: options.language, bar, write },
    look: (id: string) => look(options, id, uploadWaitSeconds),
    save: (place: string, file: string) => save(options, place, file),
  }
  const id = sent.links.sameAs === undefined ? sent.id : path.basename(sent.links.sameAs)
  if (!(await follow(followed, id))) process.exitCode = 1
}

function readArguments(args: string[]): Options {
  const text = { type: 'string' } as const
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...{ employer: text, period: text, region: text, format: text, token: text },
        ...{ slot: text, amends: text },
        'token-file': text,
        kind: { ...text, default: 'regular' },
        mode: { ...text, default: 'all-or-nothing' },
        url: { ...text, default: 'http://127.0.0.1:8080' },
        'no-wait': { type: 'boolean', default: false },
        lang: { ...text, default: /^zh/.test(process.env.LANG ?? '') ? 'zh-CN' : 'en' },
      },
    })
    const { token, 'token-file': tokenFile, 'no-wait': noWait, url, lang, ...others } = values
    const [file] = positionals
    const held = token ?? (tokenFile && readTextFile(tokenFile).trim())
    const wellUsed = positionals.length === 1 && URL.canParse(url)
    if (file !== undefined && held && wellUsed && (lang === 'zh-CN' || lang === 'en')) {
      const members = { ...others, filename: path.basename(file) }
      return { file, url, token: held, language: lang, waits: !noWait, members }
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    // the usage says it
  }
  throw new UsageError(usage)
}

function sizeOf(file: string): number {
  try {
    const { size } = statSync(file)
    if (size > 0) return size
  } catch (error) {
    throw new UsageError(`Can't read ${file} (${(error as NodeJS.ErrnoException).code}).`)
  }
  throw new UsageError(`${file} is empty.`)
}

async function digestOf(file: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const bytes of createReadStream(file)) digest.update(bytes)
  return digest.digest('hex')
}

/**
 * A batch of the same content that has ended leaves its key used: the next one is tried. Whether what it
 * filed still stands, intake decides.
 */
async function begin(options: Options, members: Record<string, unknown>): Promise<Batch> {
  const { filename: _, ...identity } = members
  for (let nth = 1; ; nth += 1) {
    const text = JSON.stringify([Object.entries(identity).sort(), nth])
    const key = createHash('sha256').update(text).digest('hex').slice(0, 40)
    const answer = await insist(options, '/v1/batches', {
      method: 'POST',
      headers: { 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(members),
    })
    const batch = JSON.parse(answer.text) as Batch
    if (!isEnded(batch.stage)) return batch
  }
}

/** Once something has changed, or so many seconds have passed. */
async function look(options: Options, id: string, seconds: number): Promise<Batch> {
  const headers: Record<string, string> = seconds > 0 ? { prefer: `wait=${seconds}` } : {}
  return JSON.parse((await insist(options, `/v1/batches/${id}`, { headers })).text) as Batch
}

/** What has the name already may be mended, and not sent yet. */
function putBeside(part: string, file: string): string {
  for (let place = file; ; place = errorsFileOf(place)) {
    if (existsSync(place) && !readFileSync(place).equals(readFileSync(part))) continue
    renameSync(part, place)
    return place
  }
}

/**
 * Under its name it is whole; it has what was filed of persons, so that it is its owner's alone.
 * @returns its name, which is another where a file with other content has this one
 */
async function save(options: Options, place: string, file: string): Promise<string> {
  const { url, token } = options
  const part = `${file}.part`
  for (let tries = 1; ; tries += 1) {
    let refused: Answer | undefined
    try {
      const answer = await fetch(new URL(place, url), {
        headers: { authorization: `Bearer ${token}` },
      })
      if (answer.ok && answer.body !== null) {
        const content = Readable.fromWeb(answer.body)
        await pipeline(content, createWriteStream(part, { mode: 0o600 }))
        return putBeside(part, file)
      }
      refused = { status: answer.status, headers: answer.headers, text: await answer.text() }
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException
      if (syscall === 'open' || syscall === 'write' || syscall === 'rename')
        throw new UsageError(`Can't write ${file} (${code}).`)
    }
    await waitOrFail(options, refused, tries)
  }
}

/** Asks until there is an answer that is not "later". */
async function insist(options: Options, place: string, init: RequestInit): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask(options, place, init)
    if (answer !== undefined && answer.status < 300) return answer
    await waitOrFail(options, answer, tries)
  }
}

async function ask(
  { url, token }: Options,
  place: string,
  init: RequestInit,
): Promise<Answer | undefined> {
  try {
    const answer = await fetch(new URL(place, url), {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
      signal: AbortSignal.timeout(uploadSilenceMsMax),
    })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  } catch {
    return undefined // no connection, or one that was lost
  }
}

/** Sends what is missing, again and again, until all is there. */
async function sendAll(
  options: Options,
  place: string,
  from: number,
  progress: Progress,
): Promise<void> {
  let offset = from
  for (let tries = 1; ; tries += 1) {
    const answer = await sendFrom(options, place, offset, progress)
    if (answer?.status === 204) return
    // Where it is not known, or was told otherwise, how much is there, it is asked.
    if (answer?.status !== 409 && answer?.status !== 408) await waitOrFail(options, answer, tries)
    else await pause(uploadRetryMsMin)
    const { headers } = await insist(options, place, { method: 'HEAD' })
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
): Promise<Answer | undefined> {
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
    const settle = (answer: Answer | undefined) => {
      bytes.destroy()
      sending.destroy()
      resolve(answer)
    }
    sending.setTimeout(uploadSilenceMsMax, () => settle(undefined))
    sending.on('error', () => settle(undefined))
    sending.on('response', (response) => void readAnswer(response).then(settle))
    bytes.on('error', reject)
    bytes.on('data', (chunk) => progress.sent(chunk.length))
    bytes.pipe(sending)
  })
}

async function readAnswer(response: IncomingMessage): Promise<Answer | undefined> {
  try {
    const pieces: Buffer[] = []
    for await (const piece of response) pieces.push(piece as Buffer)
    const headers = new Headers(
      Object.entries(response.headersDistinct).map(([name, values]) => [name, String(values)]),
    )
    return { status: response.statusCode ?? 0, headers, text: Buffer.concat(pieces).toString() }
  } catch {
    return undefined
  }
}

/** Waits for as long as it was told, or longer and longer; throws where waiting mends nothing. */
async function waitOrFail(
  { language }: Options,
  answer: Answer | undefined,
  tries: number,
): Promise<void> {
  const status = answer?.status ?? 0
  const later = answer === undefined || status === 429 || status >= 500
  if (!later || tries >= uploadTriesMax) throw new UsageError(refusalText(answer, language))
  const told = 1_000 * Number(answer?.headers.get('retry-after') ?? 0)
  const own = Math.min(uploadRetryMsMax, uploadRetryMsMin * 2 ** Math.min(tries, 10))
  const ms = told > 0 ? told : own * (0.5 + Math.random() / 2)
  if (process.stdout.isTTY) write('\r\u001b[K')
  const why = answer === undefined ? 'No connection' : `The intake is busy (${status})`
  write(`${why}; trying again in ${(ms / 1_000).toFixed(1)} s.\n`)
  await pause(ms)
}

type Problem = {
  readonly code?: string
  readonly message?: Text
  readonly fix?: Text
  readonly errors?: readonly { pointer: string; message: Text; fix: Text; suggestion?: string }[]
}

function refusalText(answer: Answer | undefined, language: keyof Text): string {
  if (answer === undefined) return 'The intake can not be reached: check --url.'
  let problem: Problem = {}
  try {
    problem = JSON.parse(answer.text) as Problem
  } catch {
    // HEAD has no body, and a proxy has another
  }
  const { code = `HTTP ${answer.status}`, message, fix, errors = [] } = problem
  const lines = errors.map(
    (one) =>
      `  ${one.pointer}: ${one.message[language]} ${one.fix[language]}${one.suggestion ? ` → ${one.suggestion}` : ''}`,
  )
  return [`${code}: ${message?.[language] ?? ''}`, fix?.[language] ?? '', ...lines].join('\n')
}

function tell({ id, stage, receivedAt, links }: Batch): void {
  const at = receivedAt === undefined ? '' : ` at ${receivedAt}`
  if (stage === 'duplicate')
    write(`This file was sent before: ${links.sameAs} stands, not batch ${id}.\n`)
  else write(`Batch ${id} is ${stage}${at}.\n`)
  if (isGivenUp(stage)) process.exitCode = 1
}

/** How much of the file is sent. */
class Progress {
  readonly size: number
  readonly #bar: Bar
  #sent = 0

  constructor(size: number, bar: Bar) {
    this.size = size
    this.#bar = bar
  }

  sent(bytes: number): void {
    this.#sent += bytes
    this.#show()
  }

  /** Only so much is there. */
  lost(received: number): void {
    this.#sent = received
    this.#show()
  }

  #show(): void {
    const share = Math.min(1, this.#sent / this.size)
    this.#bar.show(share, 'sending', `${(100 * share).toFixed(1)}% of ${bytesText(this.size)}`)
  }
}

function bytesText(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

function write(text: string): void {
  process.stdout.write(text)
}

main(process.argv.slice(2)).catch(reportFailure)
