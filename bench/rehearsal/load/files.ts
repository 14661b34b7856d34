/**
 * Files with many lines, sent at their times of the day over tus and followed until they are posted.
 * What must come of each is known before: the auditor is told the declarations that it makes.
 */
import { openAsBlob } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { HistoryFile } from '../../../src/audit/history.ts'
import { filingKeyOf, partKeyOf } from '../../../src/batch/staging/prior-declaration.ts'
import { UnitParts } from '../../../src/batch/staging/unit-parts.ts'
import { canonicalDeclaration } from '../../../src/declaration/canonical.ts'
import type { Declaration } from '../../../src/declaration/schema.ts'
import { declarationId, digestOf } from '../../../src/journal/digest.ts'
import { partLinesMax } from '../../../src/limits.ts'
import { readPolicies } from '../../../src/platform/config/packs.ts'
import { createGenerator } from '../../support/generator.ts'
import { type Profile, secondsAt } from '../profile.ts'
import { type Filer, type Filers, findFilers } from './filings.ts'

export type PreparedFile = {
  readonly at: string
  readonly rows: number
  readonly monster: boolean
  readonly filer: Filer
  readonly name: string
  readonly lines: Lines
}

const region = '340100'
const lookMs = 500
/** Who is refused for want of room comes again when told to. */
const beginTriesMax = 20
/** Attempts of a file's before the day's; those of generators are above. */
let attempts = 0

export async function prepareFiles(
  { files, monster }: Profile,
  {
    filers,
    folder,
    seed,
    ...day
  }: { filers: Filers; folder: string; period: string; seed: number },
): Promise<PreparedFile[]> {
  const period = monthBefore(day.period)
  const listed = [
    ...files.value.map((one) => ({ ...one, monster: false })),
    ...(monster.value === null ? [] : [{ ...monster.value, monster: true }]),
  ].sort((one, other) => secondsAt(one.at) - secondsAt(other.at))
  const generator = createGenerator(seed + 7_000_001)
  const known = await findFilers(filers, listed.length, generator)
  return Promise.all(
    listed.map(async (one, i) => {
      const filer = known[i % known.length] as Filer
      const name = path.join(folder, `file-${i + 1}.csv`)
      const lines = uniqueLines(generator, filer.employer, period, one.rows)
      await writeFile(name, csvOf(filer.employer, lines))
      return { ...one, filer, name, lines }
    }),
  )
}

type Lines = NonNullable<Declaration['lines']>

/** No person twice: every row becomes a line. */
function uniqueLines(
  generator: ReturnType<typeof createGenerator>,
  employer: string,
  period: string,
  rows: number,
): Lines {
  const lines = new Map<string, Lines[number]>()
  while (lines.size < rows) {
    const count = Math.min(5_000, rows - lines.size)
    const made = generator.declaration({ employer, period, lines: count }).lines ?? []
    for (const line of made) lines.set(line.person.idNumber, line)
  }
  return [...lines.values()]
}

function csvOf(employer: string, lines: Lines): string {
  const rows = lines.map((line) => {
    if (line.category !== 'employee') throw new Error('the generator makes employees')
    const { person, category, wage, change } = line
    return `${employer},${person.idType},${person.idNumber},${person.name},${category},${wage},${change}`
  })
  return `统一社会信用代码,证件类型,证件号码,姓名,参保类别,申报工资,变动\n${rows.join('\n')}\n`
}

/**
 * Files are for the month before that of the day's filings: of one month, what was filed alone would
 * stand, and a file for it be refused.
 */
function monthBefore(period: string): string {
  const [year = 0, month = 0] = period.split('-').map(Number)
  return new Date(Date.UTC(year, month - 2)).toISOString().slice(0, 7)
}

type Stage = { readonly stage: string }

/** Sends one, and resolves when all of it is posted. */
export async function sendFile(
  address: string,
  file: PreparedFile,
  options: { period: string; key: string; history: HistoryFile; signal: AbortSignal },
): Promise<void> {
  const { key, history, signal } = options
  const period = monthBefore(options.period)
  const { authorization, employer } = file.filer
  const content = await openAsBlob(file.name)
  const ask = (link: string, request: RequestInit) =>
    fetch(new URL(link, address), {
      signal,
      ...request,
      headers: { authorization, ...(request.headers as Record<string, string>) },
    })
  const begin = () =>
    ask('/v1/batches', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({
        ...{ employer, region, period, kind: 'regular', format: 'csv', mode: 'all-or-nothing' },
        size: content.size,
      }),
    })
  let begun = await begin()
  for (let tries = 1; begun.status === 503 && tries < beginTriesMax; tries += 1) {
    await pause(1_000 * Number(begun.headers.get('retry-after') ?? 1), undefined, { signal })
    begun = await begin()
  }
  if (begun.status !== 201) throw new Error(`it was not begun: ${begun.status}`)
  const { id, links } = (await begun.json()) as {
    id: string
    links: { self: string; file: string }
  }
  noteFile(history, file, period, id)
  const sent = await ask(links.file, {
    method: 'PATCH',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
    body: content,
  })
  if (sent.status !== 204) throw new Error(`it was not taken: ${sent.status}`)
  for (;;) {
    const answer = await ask(links.self, {}).catch(() => undefined)
    signal.throwIfAborted()
    const { stage } = answer?.status === 200 ? ((await answer.json()) as Stage) : { stage: '' }
    if (stage === 'posted') return
    if (['refused', 'unreadable', 'cancelled'].includes(stage)) throw new Error(`it is ${stage}`)
    await pause(lookMs)
  }
}

/**
 * What the file makes, as attempts whose answer nobody has: a declaration for as many lines as one may
 * have, the last of which has the file's own key.
 */
function noteFile(
  history: HistoryFile,
  { filer: { employer }, lines }: PreparedFile,
  period: string,
  batch: string,
): void {
  const unit = { employer, period, region, entry: 0 }
  const key = filingKeyOf(batch, unit)
  const of = declarationId(employer, period, key)
  const count = Math.ceil(lines.length / partLinesMax)
  const parts = new UnitParts({ ...unit, key, id: of, parts: count, headPays: true })
  const rules = readPolicies(undefined).rulesFor(region, period)
  if (rules.kind !== 'rules') throw new Error(`there are no rules for ${period}`)
  for (let number = 1; number <= count; number += 1) {
    attempts += 1
    const some = lines.slice((number - 1) * partLinesMax, number * partLinesMax)
    const declaration = { employer, region, period, kind: 'regular', lines: some } as Declaration
    const part = parts.next(declaration, rules)
    const text = canonicalDeclaration(declaration, count > 1 ? part : undefined)
    const digest = digestOf(Buffer.from(text)).toString('hex')
    const id = declarationId(employer, period, partKeyOf({ ...unit, key }, number, count))
    history.add({ kind: 'try', n: attempts, id, employer, period, digest, fen: [] })
  }
}
