/**
 * What `npm run upload` does once a file is sent: follows the batch until nothing more will change, tells
 * what became of it, and saves the rows that were set aside beside the file, to be mended.
 */
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { isEnded, type Stage } from './batch/stages.ts'
import type { Text } from './declaration/catalogue/entry.ts'
import { uploadLookMs } from './limits.ts'
import type { Bar } from './platform/bar.ts'

/** As much of a batch as is told here. */
export type FollowedBatch = {
  readonly id: string
  readonly stage: Stage
  readonly progress: {
    readonly percent?: number
    readonly rows?: Readonly<Record<'read' | 'good' | 'setAside' | 'filed' | 'posted', number>>
    readonly declarations?: number
    readonly deadLetters?: number
    readonly rate?: { readonly of: string; readonly perSecond: number }
  }
  readonly findings?: readonly {
    readonly code: string
    readonly place: { readonly row?: number }
    readonly message: Text
    readonly fix: Text
  }[]
  readonly links: { readonly errors?: string }
}

export type FollowDependencies = {
  readonly file: string
  /** As it was said; undefined: by the file's ending. */
  readonly format: string | undefined
  readonly language: keyof Text
  /** What is known of a batch, once something has changed or some seconds have passed. */
  readonly look: (id: string) => Promise<FollowedBatch>
  /** Saves what an address answers as a file. */
  readonly save: (place: string, file: string) => Promise<void>
  readonly write: (text: string) => void
  readonly bar: Bar
}

/** @returns whether every row of the file is posted */
export async function follow(dependencies: FollowDependencies, id: string): Promise<boolean> {
  const { look, bar, write, language } = dependencies
  let batch = await look(id)
  while (!isEnded(batch.stage)) {
    const { percent = 0 } = batch.progress
    bar.show(percent / 100, batch.stage, `${percent.toFixed(1)}% ${stageText(batch)}`)
    await pause(uploadLookMs)
    batch = await look(id)
  }
  bar.end()
  for (const { code, place, message, fix } of batch.findings ?? []) {
    const where = place.row === undefined ? '' : ` (row ${place.row})`
    write(`${code}${where}: ${message[language]} ${fix[language]}\n`)
  }
  write(`Batch ${batch.id} is ${stageText(batch)}.\n`)
  if (batch.links.errors !== undefined) await saveErrors(dependencies, batch, batch.links.errors)
  const { rows, deadLetters = 0 } = batch.progress
  if (deadLetters > 0)
    write(`${deadLetters} declarations could not be posted yet; the operator sees to them.\n`)
  return batch.stage === 'posted' && rows?.setAside === 0 && deadLetters === 0
}

function stageText({ stage, progress }: FollowedBatch): string {
  const { rows, declarations = 0, rate } = progress
  const speed = rate === undefined ? '' : `, ${rate.perSecond.toLocaleString('en')} ${rate.of}/s`
  if (rows === undefined) return `${stage}${speed}`
  const { read, good, setAside, filed, posted } = rows
  const count = (number: number) => number.toLocaleString('en')
  const aside = setAside === 0 ? '' : `, ${count(setAside)} set aside`
  const done: Partial<Record<Stage, string>> = {
    checking: `${count(good + setAside)} of ${count(read)} rows`,
    filing: `${count(filed)} of ${count(good)} rows${aside}`,
    posting: `${count(posted)} of ${count(good)} rows${aside}`,
    posted: `${count(posted)} rows in ${count(declarations)} declarations${aside}`,
    refused: `nothing was filed of ${count(read)} rows${aside}`,
  }
  return `${stage}: ${done[stage] ?? `${count(read)} rows`}${speed}`
}

/** By what the file is, or how it ends. */
const errorsFormats: Readonly<Record<string, string>> = {
  xlsx: 'xlsx',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'ndjson',
}

async function saveErrors(
  { file, format: said, save, write }: FollowDependencies,
  { stage }: FollowedBatch,
  errors: string,
): Promise<void> {
  const { dir, name, ext } = path.parse(file)
  const format = errorsFormats[said ?? ext.slice(1).toLowerCase()] ?? 'csv'
  const saved = path.join(dir, `${name}.errors.${format}`)
  await save(`${errors}?format=${format}`, saved)
  if (format === 'ndjson') {
    const others = stage === 'refused' ? ' Nothing was filed: send the others with them.' : ''
    write(
      `The declarations that are wrong are in ${saved}, each with what to do: mend them and send them as a file of their own.${others}\n`,
    )
    return
  }
  write(
    stage === 'refused'
      ? `The rows that are wrong are in ${saved}: mend them in ${file} and send it again, or send it with --mode accept-good to file the others.\n`
      : `The rows that are wrong are in ${saved}, each with what to do: mend them in ${file} and send it again with --kind correction.\n`,
  )
}
