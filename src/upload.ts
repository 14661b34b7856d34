/**
 * `npm run upload -- FILE --period … --region … [--employer …]`: sends a file with many declarations to an
 * intake. After Ctrl-C, a lost connection or a restart the same command goes on where it stopped. It
 * remembers nothing: the file's content and what is said of it make the Idempotency-Key, and the intake
 * tells how much it has.
 */
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { type IncomingMessage, request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Stage } from './batch/stages.ts'
import { isGivenUp } from './batch/stages.ts'
import type { Text } from './declaration/catalogue/entry.ts'
import { uploadRetryMsMax, uploadRetryMsMin, uploadSilenceMsMax, uploadTriesMax } from './limits.ts'
import { reportFailure, tolerateClosedOutput, UsageError } from './platform/failure.ts'

const usage =
  'Usage: npm run upload -- FILE --period YYYY-MM --region CODE (--token TOKEN | --token-file FILE) ' +
  '[--employer USCC] [--kind regular] [--mode all-or-nothing|accept-good] [--format csv|tsv|xlsx|ndjson] ' +
  '[--url http://127.0.0.1:8080] [--lang zh-CN|en]'

type Options = {
  readonly file: string
  readonly url: string
  readonly token: string
  readonly language: keyof Text
  readonly members: Readonly<Record<string, string>>
}

/** What an intake answered. */
type Answer = { readonly status: number; readonly headers: Headers; readonly text: string }

/** As much of a batch as is needed here. */
type Batch = {
  readonly id: string
  readonly stage: Stage
  readonly received: number
  readonly receivedAt?: string
  readonly links: { readonly sameAs?: string }
}

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const options = readArguments(args)
  const size = sizeOf(options.file)
  const sha256 = await digestOf(options.file)
  const batch = await begin(options, { ...options.members, size, sha256 })
  const progress = new Progress(size)
  process.once('SIGINT', () => {
    progress.end()
    write('Stopped. The same command goes on from here.\n')
    process.exit(130)
  })
  if (batch.stage === 'receiving') {
    if (batch.received > 0) write(`Going on after ${bytesText(batch.received)}.\n`)
    await sendAll(options, `/v1/batches/${batch.id}/file`, batch.received, progress)
  }
  progress.end()
  tell(await look(options, batch.id))
}

function readArguments(args: string[]): Options {
  const text = { type: 'string' } as const
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...{ employer: text, period: text, region: text, format: text, token: text },
        'token-file': text,
        kind: { ...text, default: 'regular' },
        mode: { ...text, default: 'all-or-nothing' },
        url: { ...text, default: 'http://127.0.0.1:8080' },
        lang: { ...text, default: /^zh/.test(process.env.LANG ?? '') ? 'zh-CN' : 'en' },
      },
    })
    const { token, 'token-file': tokenFile, url, lang, ...others } = values
    const [file] = positionals
    const held = token ?? (tokenFile && readFileSync(tokenFile, 'utf8').trim())
    const wellUsed = positionals.length === 1 && URL.canParse(url)
    if (file !== undefined && held && wellUsed && (lang === 'zh-CN' || lang === 'en')) {
      const members = { ...others, filename: path.basename(file) }
      return { file, url, token: held, language: lang, members }
    }
  } catch {
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

/** A batch of the same content that was given up leaves its key used: the next one is tried. */
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
    if (!isGivenUp(batch.stage)) return batch
  }
}

async function look(options: Options, id: string): Promise<Batch> {
  return JSON.parse((await insist(options, `/v1/batches/${id}`, {})).text) as Batch
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

const barCharacters = 30
const drawEveryMs = 200

/** On a terminal a bar; elsewhere a line for each tenth. */
class Progress {
  readonly size: number
  #sent = 0
  #drawnMs = 0
  #toldTenths = 0
  #open = false

  constructor(size: number) {
    this.size = size
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

  end(): void {
    if (this.#open) write('\n')
    this.#open = false
  }

  #show(): void {
    const share = Math.min(1, this.#sent / this.size)
    const text = `${(100 * share).toFixed(1)}% of ${bytesText(this.size)}`
    if (!process.stdout.isTTY) {
      const tenths = Math.floor(10 * share)
      if (tenths > this.#toldTenths) write(`${text}\n`)
      this.#toldTenths = tenths
      return
    }
    const nowMs = performance.now()
    if (share < 1 && nowMs - this.#drawnMs < drawEveryMs) return
    this.#drawnMs = nowMs
    this.#open = true
    const done = Math.round(barCharacters * share)
    write(`\r\u001b[K[${'#'.repeat(done)}${' '.repeat(barCharacters - done)}] ${text}`)
  }
}

function bytesText(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

function write(text: string): void {
  process.stdout.write(text)
}

main(process.argv.slice(2)).catch(reportFailure)
