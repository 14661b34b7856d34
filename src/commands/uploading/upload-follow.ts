/**
 * What `npm run upload` does after sending: it follows the batch to its end, reports the result, and
 * saves the rejected rows beside the file, to be fixed.
 */
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { isEnded, type Stage } from '../../batch/state/stages.ts'
import type { Text } from '../../declaration/catalogue/entry.ts'
import { unitsListedMax, uploadLookMs } from '../../limits.ts'
import type { Bar } from '../../platform/command/bar.ts'
import { pick } from './upload-texts.ts'

/** The fields of a place that are reported here. */
type FollowedPlace = {
  readonly sheet?: string
  readonly row?: number
  readonly cell?: string
  readonly pointer?: string
}

/** Yuan. */
type Total = { readonly employer: string; readonly employee: string }

export type FollowedBatch = {
  readonly id: string
  readonly stage: Stage
  readonly mode: 'all-or-nothing' | 'accept-good' | 'check'
  /** As given, or by the file's extension; undefined: detected from the bytes. */
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
    readonly suggestion?: string
  }[]
  /** For mode check. */
  readonly wouldFile?: {
    readonly declarations: number
    readonly lines: number
    readonly total: Total
  }
  readonly links: { readonly errors?: string; readonly declarations?: string }
}

export type FollowDependencies = {
  readonly file: string
  readonly language: keyof Text
  /** The state of a batch, once something changes or some seconds pass. */
  readonly look: (id: string) => Promise<FollowedBatch>
  /**
   * Saves an answer as a file, either beside a file of this name with other content, or over it.
   * @returns the file's name, which may differ
   */
  readonly save: (place: string, file: string, as: 'beside' | 'over') => Promise<string>
  /** The answer of an address. */
  readonly get: (place: string) => Promise<unknown>
  readonly write: (text: string) => void
  readonly bar: Bar
}

/** @returns whether every row of the file is posted; for mode check, whether it would be filed */
export async function follow(dependencies: FollowDependencies, id: string): Promise<boolean> {
  const { look, bar, write, language } = dependencies
  let batch = await look(id)
  while (!isEnded(batch.stage)) {
    const { percent = 0 } = batch.progress
    bar.show(percent / 100, batch.stage, `${percent.toFixed(1)}% ${stageText(batch, language)}`)
    await pause(uploadLookMs)
    batch = await look(id)
  }
  bar.end()
  for (const { code, place, message, fix, suggestion } of batch.findings ?? []) {
    const where = whereOf(place, language)
    const meant = suggestion === undefined ? '' : ` → ${suggestion}`
    write(`${code}${where}: ${message[language]} ${fix[language]}${meant}\n`)
  }
  const status = stageText(batch, language)
  write(pick(language, `批次 ${batch.id}：${status}。\n`, `Batch ${batch.id} is ${status}.\n`))
  if (batch.links.declarations !== undefined) {
    if (batch.stage === 'checked')
      await reportWouldFile(dependencies, batch, batch.links.declarations)
    else await reportDeclarations(dependencies, batch.links.declarations)
  }
  if (batch.links.errors !== undefined) await saveErrors(dependencies, batch, batch.links.errors)
  const { rows, deadLetters = 0 } = batch.progress
  if (deadLetters > 0)
    write(
      pick(
        language,
        `${deadLetters} 份申报尚未入账，工作人员正在处理。\n`,
        `${counted(deadLetters, 'declaration')} could not be posted yet; the operator sees to them.\n`,
      ),
    )
  const isComplete = rows?.setAside === 0 && deadLetters === 0
  return isComplete && (batch.stage === 'posted' || batch.stage === 'checked')
}

/** ` (sheet 申报, cell C3)` */
function whereOf({ sheet, row, cell, pointer }: FollowedPlace, language: keyof Text): string {
  const say = (zh: string, en: string) => pick(language, zh, en)
  const inRow = row === undefined ? '' : say(`第 ${row} 行`, `row ${row}`)
  const at = cell === undefined ? inRow : say(`单元格 ${cell}`, `cell ${cell}`)
  const all = [sheet && say(`工作表 ${sheet}`, `sheet ${sheet}`), at, pointer].filter(Boolean)
  return all.length === 0 ? '' : say(`（${all.join('，')}）`, ` (${all.join(', ')})`)
}

const stageNames: Readonly<Record<Stage, string>> = {
  receiving: '接收中',
  received: '已接收',
  reading: '读取中',
  checking: '校验中',
  filing: '申报中',
  posting: '入账中',
  posted: '已入账',
  checked: '已检查，未申报',
  refused: '未申报',
  unreadable: '无法读取',
  duplicate: '与此前的文件相同',
  damaged: '与宣告的内容不符',
  cancelled: '已取消',
  expired: '已过期',
}

export function stageName(stage: Stage, language: keyof Text): string {
  return pick(language, stageNames[stage], stage)
}

function stageText({ stage, progress }: FollowedBatch, language: keyof Text): string {
  const { rows, declarations = 0, rate } = progress
  const name = stageName(stage, language)
  const perSecond = rate?.perSecond.toLocaleString('en')
  const say = (zh: string, en: string) => pick(language, zh, en)
  const unit = rate?.of === 'rows' ? '行' : '字节'
  const speed =
    rate === undefined ? '' : say(`，每秒 ${perSecond} ${unit}`, `, ${perSecond} ${rate.of}/s`)
  if (rows === undefined) return `${name}${speed}`
  const { read, good, setAside, filed, posted } = rows
  const count = (number: number) => number.toLocaleString('en')
  const part = (one: number, all: number) =>
    say(`${count(one)}/${count(all)} 行`, `${count(one)} of ${count(all)} rows`)
  const rejected =
    setAside === 0 ? '' : say(`，退回 ${count(setAside)} 行`, `, ${count(setAside)} set aside`)
  const done: Partial<Record<Stage, string>> = {
    cancelled: say(
      `此前已申报 ${count(filed)}/${count(read)} 行`,
      `${counted(filed, 'row')} of ${count(read)} had been filed`,
    ),
    checking: part(good + setAside, read),
    filing: `${part(filed, good)}${rejected}`,
    posting: `${part(posted, good)}${rejected}`,
    posted: `${say(`${count(posted)} 行，${count(declarations)} 份申报`, `${counted(posted, 'row')} in ${counted(declarations, 'declaration')}`)}${rejected}`,
    checked: `${say(`可申报 ${count(good)}/${count(read)} 行`, `nothing was filed; ${part(good, read)} would be`)}${rejected}`,
    refused: `${say(`${count(read)} 行均未申报`, `nothing was filed of ${counted(read, 'row')}`)}${rejected}`,
  }
  const all = say(`${count(read)} 行`, counted(read, 'row'))
  return `${name}${say('：', ': ')}${done[stage] ?? all}${speed}`
}

/** As many as a person reads. */
const declarationsReported = 5

/** For mode check: the amounts of each employer and period, and the sums. */
async function reportWouldFile(
  { get, write, language }: FollowDependencies,
  { wouldFile }: FollowedBatch,
  place: string,
): Promise<void> {
  const say = (zh: string, en: string) => write(`${pick(language, zh, en)}\n`)
  const { declarations, links } = (await get(`${place}?limit=${unitsListedMax}`)) as {
    declarations: readonly { employer: string; period: string; lines: number; total?: Total }[]
    links: { next?: string }
  }
  for (const { employer, period, lines, total } of declarations) {
    if (total === undefined) continue
    say(
      `  ${employer} ${period}：${lines} 人，单位 ${total.employer} 元，个人 ${total.employee} 元`,
      `  ${employer} ${period}: ${counted(lines, 'line')}, employer ${total.employer}, employee ${total.employee} yuan`,
    )
  }
  if (links.next !== undefined) say(`  …… 其余见 GET ${place}`, `  … the others: GET ${place}`)
  if (wouldFile === undefined) return
  const { declarations: count, lines, total } = wouldFile
  say(
    `合计 ${count} 份申报，${lines} 人，单位 ${total.employer} 元，个人 ${total.employee} 元。`,
    `In all ${counted(count, 'declaration')}, ${counted(lines, 'line')}, employer ${total.employer}, employee ${total.employee} yuan.`,
  )
}

type PostedDeclaration = {
  readonly onTime: boolean
  readonly status: string
  readonly assessment?: {
    readonly lines: number
    readonly total: { readonly employer: string; readonly employee: string }
  }
  readonly findings?: readonly {
    readonly code: string
    readonly title: Text
    readonly count: number
  }[]
}

/** Ids, on time or late, totals, and warnings. */
async function reportDeclarations(
  { get, write, language }: FollowDependencies,
  place: string,
): Promise<void> {
  const say = (zh: string, en: string) => write(`  ${pick(language, zh, en)}\n`)
  const { declarations, links } = (await get(`${place}?limit=${declarationsReported}`)) as {
    declarations: readonly { employer: string; period: string; links: { declaration?: string } }[]
    links: { next?: string }
  }
  for (const { employer, period, links } of declarations) {
    if (links.declaration === undefined) continue
    const {
      onTime,
      assessment,
      findings = [],
    } = (await get(links.declaration)) as PostedDeclaration
    const { lines = 0, total } = assessment ?? {}
    const [zh, en] =
      total === undefined
        ? ['', '']
        : [
            `，${lines} 人，单位 ${total.employer} 元，个人 ${total.employee} 元`,
            `, ${counted(lines, 'line')}, employer ${total.employer}, employee ${total.employee} yuan`,
          ]
    say(
      `${path.basename(links.declaration)} ${employer} ${period}：${onTime ? '按时' : '逾期'}${zh}`,
      `${path.basename(links.declaration)} ${employer} ${period}: ${onTime ? 'on time' : 'late'}${en}`,
    )
    for (const { code, title, count } of findings)
      say(`  ${code}（${count}）：${title['zh-CN']}`, `  ${code} (${count}): ${title.en}`)
  }
  if (links.next !== undefined) say(`…… 其余见 GET ${place}`, `… the others: GET ${place}`)
}

function counted(number: number, what: string): string {
  return `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`
}

/** By the file's format or extension. */
const errorsFormats: Readonly<Record<string, string>> = {
  xlsx: 'xlsx',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'ndjson',
}

async function saveErrors(
  { file, save, write, language }: FollowDependencies,
  { stage, mode, format: given }: FollowedBatch,
  errors: string,
): Promise<void> {
  const format = errorsFormats[given ?? path.extname(file).slice(1).toLowerCase()] ?? 'csv'
  const checked = stage === 'checked'
  const name = checked ? checkedFileOf(file, `.${format}`) : errorsFileOf(file, `.${format}`)
  const saved = await save(`${errors}?format=${format}`, name, checked ? 'over' : 'beside')
  const refused = stage === 'refused' || checked
  const say = (zh: string, en: string) => write(`${pick(language, zh, en)}\n`)
  if (format === 'ndjson') {
    const [zh, en] = refused
      ? ['本次均未申报：请与其余申报一并发送。', ' Nothing was filed: send the others with them.']
      : ['', '']
    say(
      `有误的申报在 ${saved} 中，各附处理办法：请改正后作为单独的文件发送。${zh}`,
      `The declarations that are wrong are in ${saved}, each with what to do: mend them and send them as a file of their own.${en}`,
    )
    return
  }
  say(
    `退回的行在 ${saved} 中，各附处理办法。`,
    `The rows that are set aside are in ${saved}, each with what to do.`,
  )
  if (checked)
    say(
      `未作任何申报。请按所附办法处理后再检查 ${file}，或用 --mode accept-good 发送。`,
      `Nothing was filed. Do that and check ${file} again, or send it with --mode accept-good.`,
    )
  else if (refused && mode === 'all-or-nothing')
    say(
      `本次均未申报。请按所附办法处理后重新发送 ${file}；或先用 --mode accept-good 发送，再单独发送这些行。`,
      `Nothing was filed. Do that and send ${file} again; or send it with --mode accept-good, and then these rows alone.`,
    )
  else
    say(
      `请在其中改正，并用同一命令发送：npm run upload -- ${saved} …`,
      `Mend them there, and send that file with the same command: npm run upload -- ${saved} …`,
    )
}

/**
 * A check files nothing that rows could be merged with: they are fixed in the file itself, and each
 * check writes this anew.
 */
function checkedFileOf(file: string, ext: string): string {
  const { dir, name } = path.parse(file)
  return path.join(dir, `${name}.checked${ext}`)
}

/** A name beside the file; for an errors file the next number, so that it isn't replaced. */
export function errorsFileOf(file: string, ext = path.extname(file)): string {
  const { dir, name } = path.parse(file)
  const [, stem = name, before] = /^(.*)\.errors(?:-([0-9]+))?$/.exec(name) ?? []
  const next = stem === name ? '' : `-${Number(before ?? 1) + 1}`
  return path.join(dir, `${stem}.errors${next}${ext}`)
}
