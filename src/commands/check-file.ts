/**
 * `npm run check-file -- FILE …`: checks and assesses declarations without a server, as filing would,
 * and stores nothing. FILE is a sheet (CSV, TSV, XLSX, NDJSON), checked as an upload would be
 * (check-sheet.ts); or one declaration, an array of them, or one on each line. Exits with 0 if nothing
 * is wrong, with 1 if something is, and with 2 if it could not be checked.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import path from 'node:path'
import type { Text } from '../declaration/catalogue/entry.ts'
import { isDeclaration } from '../declaration/check.ts'
import { csvOf } from '../declaration/csv.ts'
import type { Declaration } from '../declaration/schema.ts'
import { detectFormat } from '../formats/detect-format.ts'
import { explainedLinesMax, findingsPerAnswerMax } from '../limits.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput, UsageError } from '../platform/command/failure.ts'
import { say, write } from '../platform/command/output.ts'
import { parseJson, readTextFile } from '../platform/command/text-file.ts'
import { readConfig } from '../platform/config/config.ts'
import { readPolicies } from '../platform/config/packs.ts'
import { checkFiling } from '../policy/check.ts'
import { checkAgainstPrevious, declaredIn, previousPeriod } from '../policy/history.ts'
import { insuranceNames, sideNames } from '../policy/labels.ts'
import type { Insurance } from '../policy/pack.ts'
import { presentCheck } from '../policy/present.ts'
import { checkLines } from './checking/check-lines.ts'
import { checkSheet, type SheetOptions } from './checking/check-sheet.ts'
import {
  environmentLanguage,
  pick,
  requestedLanguage,
  unreadableText,
} from './uploading/upload-texts.ts'

const usage: Text = {
  en: helpText(
    'Usage: npm run check-file -- FILE [--lang zh-CN|en] [--json | --csv]\n' +
      '  a sheet (.csv, .tsv, .xlsx, .ndjson, .jsonl), as for npm run upload:\n' +
      '    [--period YYYY-MM] [--region CODE] [--employer USCC] [--kind regular|correction|addition] [--format csv|tsv|xlsx|ndjson]\n' +
      '    where its rows do not say period, region or employer themselves\n' +
      '  a declaration as JSON, a list of them, or one on each line: [--previous FILE]',
    {
      '--period YYYY-MM': 'the period of rows that name none',
      '--region CODE': 'the region of rows that name none',
      '--employer USCC': 'the employer of rows that name none',
      '--kind KIND': 'regular, correction or addition',
      '--format FORMAT': 'csv, tsv, xlsx or ndjson; found from the content unless given',
      '--previous FILE': 'the declarations of the month before',
      '--lang zh-CN|en': 'the language',
      '--json': 'print as JSON',
      '--csv': 'print as CSV',
    },
    'npm run check-file -- november.xlsx --period 2024-11 --region 340100',
    'en',
  ),
  'zh-CN': helpText(
    '用法：npm run check-file -- 文件 [--lang zh-CN|en] [--json | --csv]\n' +
      '  表格（.csv、.tsv、.xlsx、.ndjson、.jsonl），与 npm run upload 相同：\n' +
      '    [--period YYYY-MM] [--region 统筹区代码] [--employer 统一社会信用代码] [--kind regular|correction|addition] [--format csv|tsv|xlsx|ndjson]\n' +
      '    所属期、统筹区、单位在各行中没有写明时填写\n' +
      '  JSON 申报（一份、数组，或每行一份）：[--previous 上月文件]',
    {
      '--period YYYY-MM': '各行没有写明时的所属期',
      '--region 代码': '各行没有写明时的统筹区',
      '--employer 代码': '各行没有写明时的单位',
      '--kind 种类': 'regular、correction 或 addition',
      '--format 格式': 'csv、tsv、xlsx 或 ndjson；不填则按内容判断',
      '--previous 文件': '上月申报',
      '--lang zh-CN|en': '语言',
      '--json': '以 JSON 输出',
      '--csv': '以 CSV 输出',
    },
    'npm run check-file -- november.xlsx --period 2024-11 --region 340100',
    'zh-CN',
  ),
}

type Options = SheetOptions & { readonly previous: string | undefined }

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const options = readArguments(args)
  const policies = readPolicies(readConfig(process.env).policyDir)
  const way = wayOf(options)
  if (way !== 'declarations') {
    const check = way === 'lines' ? checkLines : checkSheet
    if (!(await check(options, policies))) process.exitCode = 1
    return
  }
  const previous =
    options.previous === undefined ? [] : readDeclarations(options.previous).filter(isDeclaration)
  for (const [i, body] of readDeclarations(options.file).entries()) {
    const checked = checkFiling(body, {
      policies,
      nowMicros: Date.now() * 1_000,
      keptMax: options.format === 'csv' ? Number.POSITIVE_INFINITY : findingsPerAnswerMax,
    })
    if (checked.valid !== undefined) {
      checkPrevious(checked.valid.declaration, previous, checked.findings)
    }
    if (checked.findings.errors > 0) process.exitCode = 1
    if (options.format === 'csv') for (const row of csvOf(checked.findings)) write(row)
    else show(i + 1, checked, options)
  }
}

function readArguments(args: string[]): Options {
  const text = { type: 'string' } as const
  const spoken = requestedLanguage(args, process.env)
  const wrong = (zh: string, en: string) => wrongUse(pick(spoken, zh, en), usage[spoken])
  const options = {
    previous: { type: 'string' },
    lang: { type: 'string', default: environmentLanguage(process.env) },
    json: { type: 'boolean', default: false },
    csv: { type: 'boolean', default: false },
    ...{ employer: text, period: text, region: text, kind: text, format: text },
  } as const
  const parsed = parseArguments({ args, allowPositionals: true, options }, usage[spoken], spoken)
  const { previous, lang, json, csv, employer, period, region, format, kind } = parsed.values
  const [file, more] = parsed.positionals
  if (file === undefined || more !== undefined)
    throw wrong('请指定一个文件。', 'It takes one file.')
  if (json && csv) throw wrong('--json 与 --csv 只能选一个。', 'Say --json or --csv, not both.')
  if (lang !== 'zh-CN' && lang !== 'en')
    throw wrong('--lang 应为 zh-CN 或 en。', '--lang must be zh-CN or en.')
  const request = { employer, period, region, format, kind: kind ?? 'regular' }
  const output = json ? 'json' : csv ? 'csv' : 'text'
  return { file, previous, language: lang, format: output, request }
}

const tables = ['.csv', '.tsv', '.xlsx']
const lineFiles = ['.ndjson', '.jsonl']

/**
 * Decides by the options, the file's extension, or its first bytes. Declarations on lines are checked
 * as a sheet, except with --json: then each is reported as the pre-check reports one.
 */
function wayOf({ file, previous, format, language, request }: Options) {
  if (previous !== undefined) return 'declarations'
  const ending = path.extname(file).toLowerCase()
  if (request.format !== undefined || tables.includes(ending)) return 'sheet'
  if (lineFiles.includes(ending)) return format === 'json' ? 'lines' : 'sheet'
  if (ending === '.json') return 'declarations'
  const start = firstBytes(file, language)
  const isWide = start[0] === 0xff || start[0] === 0xfe
  const kind = detectFormat(start)
  const isTable = !isWide && kind !== 'ndjson' && typeof kind === 'string'
  return isTable ? 'sheet' : 'declarations'
}

function firstBytes(file: string, language: keyof Text): Buffer {
  try {
    const opened = openSync(file, 'r')
    const bytes = Buffer.alloc(256)
    const count = readSync(opened, bytes)
    closeSync(opened)
    return bytes.subarray(0, count)
  } catch (error) {
    throw new UsageError(unreadableText(file, error, language))
  }
}

/** One declaration, an array, or one on each line. */
function readDeclarations(file: string): unknown[] {
  const text = readTextFile(file)
  try {
    const parsed = parseJson(text, file)
    return Array.isArray(parsed) ? parsed : [parsed]
  } catch (error) {
    if (error instanceof UsageError) throw error
    return text.split('\n').flatMap((line, i) => {
      if (line.trim() === '') return []
      try {
        return [parseJson(line, `${file}:${i + 1}`)]
      } catch (error) {
        if (error instanceof UsageError) throw error
        throw new UsageError(`${file} is not JSON: line ${i + 1} can't be read.`)
      }
    })
  }
}

function checkPrevious(
  { employer, period, region, lines = [] }: Declaration,
  declarations: readonly Declaration[],
  findings: Parameters<typeof checkAgainstPrevious>[2],
): void {
  // The last one in the file counts: a correction comes after what it replaces.
  const before = declarations.findLast(
    (one) =>
      one.employer === employer && one.region === region && one.period === previousPeriod(period),
  )
  if (before !== undefined && before.kind !== 'cancellation')
    checkAgainstPrevious(lines, declaredIn(before.lines ?? []), findings)
}

function show(
  number: number,
  checked: ReturnType<typeof checkFiling>,
  { language, format }: Options,
): void {
  const lines = { from: 0, count: explainedLinesMax }
  const shown = presentCheck(checked, { findingsMax: findingsPerAnswerMax, lines })
  if (format === 'json') {
    say(`${JSON.stringify(shown)}`)
    return
  }
  const { errors, total } = checked.findings
  const word = words[language]
  say(`${number}: ${errors === 0 ? word.valid : word.notValid}${word.findings(total)}`)
  for (const { pointer, severity, code, message, fix, suggestion } of shown.findings) {
    const meant = suggestion === undefined ? '' : ` → ${suggestion}`
    say(
      `  ${word[severity]} ${pointer} ${code}: ${message[language]}${language === 'en' ? ' ' : ''}${fix[language]}${meant}`,
    )
  }
  if (total > shown.findings.length) say(`  … ${word.more(total - shown.findings.length)}`)
  const { assessment, explanation } = shown
  if (assessment !== undefined && explanation !== undefined) {
    sayAssessment({ assessment, explanation }, language)
  }
}

type Shown = Required<Pick<ReturnType<typeof presentCheck>, 'assessment' | 'explanation'>>

function sayAssessment({ assessment, explanation }: Shown, language: keyof Text): void {
  const { amounts, total, lines } = assessment
  const word = words[language]
  const nameOf = (insurance: string) =>
    insuranceNames[insurance as Insurance]?.[language] ?? insurance
  for (const { insurance, base, employer, employee } of amounts) {
    say(`  ${left(nameOf(insurance))}${[base, employer, employee].map(right).join('')}`)
  }
  const sums = ['', total.employer, total.employee].map(right).join('')
  say(`  ${left(word.lines(lines))}${sums}`)
  for (const { line, amounts: explained } of explanation.lines) {
    for (const { insurance, side, sentence } of explained) {
      const of = `${nameOf(insurance)} ${sideNames[side][language]}`
      say(`  ${line} ${of}: ${sentence[language]}`)
    }
  }
  for (const { insurance, sentence } of explanation.unit) {
    say(`  ${word.unit} ${nameOf(insurance)}: ${sentence[language]}`)
  }
  if (lines > explanation.lines.length) say(`  … ${word.explained(lines)}`)
  for (const reason of explanation.provisionalReasons) {
    say(`  ${word.provisional}: ${reason[language]}`)
  }
}

const words = {
  en: {
    ...{ valid: 'valid', notValid: 'NOT VALID', unit: 'unit', provisional: 'provisional' },
    ...{ error: 'error', warning: 'warning', hint: 'hint' },
    findings: (count: number) => `, ${count} ${count === 1 ? 'finding' : 'findings'}`,
    more: (count: number) => `${count} more: --csv`,
    lines: (count: number) => `${count} lines`,
    explained: (count: number) => `of ${count} lines the first are explained`,
  },
  'zh-CN': {
    ...{ valid: '通过', notValid: '不通过', unit: '单位合计', provisional: '暂定' },
    ...{ error: '错误', warning: '提醒', hint: '提示' },
    findings: (count: number) => `，${count} 条校验提示`,
    more: (count: number) => `另有 ${count} 条：--csv`,
    lines: (count: number) => `共 ${count} 行`,
    explained: (count: number) => `共 ${count} 行，只列出前面各行的算式`,
  },
} as const

/** Chinese characters are twice as wide. */
function left(text: string): string {
  const wide = text.match(/\p{Script=Han}/gu)?.length ?? 0
  return text.padEnd(20 - wide)
}

function right(text: string): string {
  return text.padStart(16)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  reportFailure(error, 2)
}
