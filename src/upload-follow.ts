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
type FollowedPlace = {
  readonly sheet?: string
  readonly row?: number
  readonly cell?: string
}

export type FollowedBatch = {
  readonly id: string
  readonly stage: Stage
  readonly mode: 'all-or-nothing' | 'accept-good'
  /** As it was said, or by the file's ending; undefined: to be seen from its bytes. */
  readonly format?: string
  readonly progress: {
    readonly percent?: number
    readonly rows?: Readonly<Record<'read' | 'good' | 'setAside' | 'filed' | 'posted', number>>
    readonly declarations?: number
    readonly deadLetters?: number
    readonly rate?: { readonly of: string; readonly perSecond: number }
  }
  readonly findings?: readonly {
    readonly code: string
    readonly place: FollowedPlace
    readonly message: Text
    readonly fix: Text
  }[]
  readonly links: { readonly errors?: string }
}

export type FollowDependencies = {
  readonly file: string
  readonly language: keyof Text
  /** What is known of a batch, once something has changed or some seconds have passed. */
  readonly look: (id: string) => Promise<FollowedBatch>
  /** Saves what an address answers as a file; returns its name, which may be another than the one asked for. */
  readonly save: (place: string, file: string) => Promise<string>
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
    const where = whereOf(place)
    write(`${code}${where}: ${message[language]} ${fix[language]}\n`)
  }
  write(`Batch ${batch.id} is ${stageText(batch)}.\n`)
  if (batch.links.errors !== undefined) await saveErrors(dependencies, batch, batch.links.errors)
  const { rows, deadLetters = 0 } = batch.progress
  if (deadLetters > 0)
    write(
      `${counted(deadLetters, 'declaration')} could not be posted yet; the operator sees to them.\n`,
    )
  return batch.stage === 'posted' && rows?.setAside === 0 && deadLetters === 0
}

/** ` (sheet 申报, cell C3)` */
function whereOf({ sheet, row, cell }: FollowedPlace): string {
  const at = cell === undefined ? row && `row ${row}` : `cell ${cell}`
  const all = [sheet && `sheet ${sheet}`, at].filter((one) => one !== undefined && one !== '')
  return all.length === 0 ? '' : ` (${all.join(', ')})`
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
    posted: `${counted(posted, 'row')} in ${counted(declarations, 'declaration')}${aside}`,
    cancelled: `${counted(filed, 'row')} of ${count(read)} had been filed`,
    refused: `nothing was filed of ${counted(read, 'row')}${aside}`,
  }
  return `${stage}: ${done[stage] ?? counted(read, 'row')}${speed}`
}

function counted(number: number, what: string): string {
  return `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`
}

/** By what the file is, or how it ends. */
const errorsFormats: Readonly<Record<string, string>> = {
  xlsx: 'xlsx',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'ndjson',
}

async function saveErrors(
  { file, save, write }: FollowDependencies,
  { stage, mode, format: said }: FollowedBatch,
  errors: string,
): Promise<void> {
  const format = errorsFormats[said ?? path.extname(file).slice(1).toLowerCase()] ?? 'csv'
  const saved = await save(`${errors}?format=${format}`, errorsFileOf(file, `.${format}`))
  if (format === 'ndjson') {
    const others = stage === 'refused' ? ' Nothing was filed: send the others with them.' : ''
    write(
      `The declarations that are wrong are in ${saved}, each with what to do: mend them and send them as a file of their own.${others}\n`,
    )
    return
  }
  write(`The rows that are wrong are in ${saved}, each with what to do.\n`)
  write(
    stage === 'refused' && mode === 'all-or-nothing'
      ? `Nothing was filed. Mend them in ${file} and send it again; or send it with --mode accept-good, and then these rows alone.\n`
      : `Mend them there, and send that file with the same command: npm run upload -- ${saved} …\n`,
  )
}

/** Beside the file; of an errors file the next one, which doesn't take its place. */
export function errorsFileOf(file: string, ext = path.extname(file)): string {
  const { dir, name } = path.parse(file)
  const [, stem = name, before] = /^(.*)\.errors(?:-([0-9]+))?$/.exec(name) ?? []
  const next = stem === name ? '' : `-${Number(before ?? 1) + 1}`
  return path.join(dir, `${stem}.errors${next}${ext}`)
}
