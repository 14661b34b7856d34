/**
 * `npm run policy -- lint [PACK …] | show PACK [--on YYYY-MM] [--lang zh-CN|en] | diff OLD NEW [--json] | schema`: PACK is a
 * region's code in POLICY_DIR, or a pack's folder. Lint exits with 1 if there are faults.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Text } from '../declaration/catalogue/entry.ts'
import { dayOf } from '../declaration/period.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput, UsageError } from '../platform/command/failure.ts'
import { say, write } from '../platform/command/output.ts'
import { readConfig } from '../platform/config/config.ts'
import {
  lintPackFolder,
  packFolders,
  readPack,
  readPackFolder,
  shippedPacks,
} from '../platform/config/packs.ts'
import { monthsAfter } from '../policy/calendar.ts'
import {
  type AmountChanges,
  changedAmounts,
  changedRows,
  editsBetween,
  type RowChange,
} from '../policy/diff.ts'
import { type ParameterInForce, parametersOf, valuesOf } from '../policy/in-force.ts'
import { listName, memberName } from '../policy/labels.ts'
import { type Dated, packSchema } from '../policy/pack.ts'

const usage = helpText(
  `Usage: npm run policy -- lint [PACK …]
       npm run policy -- show PACK [--on YYYY-MM] [--lang zh-CN|en]
       npm run policy -- diff OLD NEW [--json]
       npm run policy -- schema
PACK is a region's code in POLICY_DIR, or the folder of a pack.`,
  {
    lint: 'print the faults of packs; of all in POLICY_DIR unless named',
    show: 'print the parameters in force',
    diff: 'print what a new pack changes',
    schema: 'print the JSON schema of a pack',
    '--on YYYY-MM': 'show: in force in this month, or on this day',
    '--lang zh-CN|en': 'show: the language',
    '--json': 'diff: print as JSON',
  },
  'npm run policy -- show 340100 --on 2024-11',
)

const today = dayOf(Date.now() * 1_000)

function main(args: string[]): void {
  tolerateClosedOutput()
  const { command, packs, on, json, language } = readArguments(args)
  const policyDir = readConfig(process.env).policyDir ?? shippedPacks
  const folders = packs.map((pack) => folderOf(policyDir, pack))
  switch (command) {
    case 'lint':
      lint(folders.length > 0 ? folders : packFolders(policyDir))
      break
    case 'show':
      show(one(folders), on, language)
      break
    case 'diff':
      diff(folders, json)
      break
    case 'schema':
      write(`${JSON.stringify(packSchema, null, 2)}\n`)
      break
    default:
      throw wrongUse(
        command === undefined ? 'A command is missing.' : `There is no ${command}.`,
        usage,
      )
  }
}

function readArguments(args: string[]) {
  const options = {
    on: { type: 'string' },
    json: { type: 'boolean', default: false },
    lang: { type: 'string', default: /^zh/.test(process.env.LANG ?? '') ? 'zh-CN' : 'en' },
  } as const
  const { values, positionals } = parseArguments({ args, allowPositionals: true, options }, usage)
  const [command, ...packs] = positionals
  const { on = today.slice(0, 7), json, lang: language } = values
  if (language !== 'zh-CN' && language !== 'en')
    throw wrongUse('--lang must be zh-CN or en.', usage)
  if (!/^[0-9]{4}-(0[1-9]|1[0-2])/.test(on))
    throw wrongUse('--on must be a month like 2024-11, or a day.', usage)
  return { command, packs, on: on.slice(0, 7), json, language } as const
}

/** A folder by its path, or a region in the policy folder. */
function folderOf(policyDir: string, pack: string): string {
  const named = path.join(policyDir, pack)
  if (/^[0-9]{6}$/.test(pack) && existsSync(named)) return named
  if (existsSync(pack)) return pack
  const regions = packFolders(policyDir).map((folder) => path.basename(folder))
  throw new UsageError(
    `There is no pack ${pack}: name a folder, or one of ${regions.join(', ')} in ${policyDir}.`,
  )
}

function one(folders: readonly string[]): string {
  const [folder] = folders
  if (folder === undefined || folders.length > 1) throw wrongUse('It takes one pack.', usage)
  return folder
}

function lint(folders: readonly string[]): void {
  let errors = 0
  for (const folder of folders) {
    for (const { severity, file, key, message } of lintPackFolder(readPackFolder(folder), today)) {
      if (severity === 'error') errors += 1
      say(`${severity.padEnd(6)}${path.join(folder, file)} ${key}: ${message}`)
    }
  }
  say(errors === 0 ? 'No faults.' : `${errors} faults.`)
  if (errors > 0) process.exitCode = 1
}

function show(folder: string, period: string, language: keyof Text): void {
  const pack = readPack(folder)
  const { names, code } = pack.region
  say(
    language === 'en'
      ? `${names.en} (${names['zh-CN']}), ${code}, in ${period}`
      : `${names['zh-CN']}，${code}，${period}`,
  )
  say('')
  for (const parameter of parametersOf(pack, period)) {
    const { key, values, from, to, sources, note } = parameter
    const listed = key.split(', ').map((one) => listName(one)[language])
    const span = language === 'en' ? `${from} to ${to ?? 'now'}` : `${from} 至 ${to ?? '今'}`
    say(`${listed.join(', ')}: ${shown(values, language)} (${span}${stateOf(parameter, language)})`)
    for (const { title, number, date, url } of sources) {
      say(`    ${[title, number, date, url].filter((part) => part !== undefined).join(', ')}`)
    }
    if (note !== undefined) say(`    ${note[language]}`)
  }
  const gaps = pack.gaps.filter(({ from = period, to = period }) => from <= period && period <= to)
  if (gaps.length > 0) write(language === 'en' ? '\nNot verified:\n' : '\n未核实：\n')
  for (const { key, note } of gaps) say(`  ${listName(key)[language]}: ${note[language]}`)
}

function stateOf(
  { status, carried }: Pick<ParameterInForce, 'status' | 'carried'>,
  language: keyof Text,
): string {
  if (language === 'en') return carried ? ', STANDING IN' : status === 'final' ? '' : `, ${status}`
  if (carried) return '，该期未核实，暂用'
  return { final: '', provisional: '，暂定', expired: '，已到期' }[status]
}

function diff([older, newer, ...more]: readonly string[], json: boolean): void {
  if (older === undefined || newer === undefined || more.length > 0)
    throw wrongUse('diff takes two packs.', usage)
  const [before, after] = [readPack(older), readPack(newer)]
  const edits = editsBetween(before, after)
  const rows = changedRows(before, after)
  const amounts = changedAmounts(before, after, monthsAfter(today.slice(0, 7), 12))
  if (json) write(`${JSON.stringify({ edits, rows, amounts }, null, 2)}\n`)
  else if (edits.length === 0) say('The packs are the same.')
  else sayChanges(rows, amounts)
}

function sayChanges(rows: readonly RowChange[], amounts: readonly AmountChanges[]): void {
  for (const { key, from, before, after } of rows) {
    const was = before === undefined ? 'nothing' : rowText(before)
    const is = after === undefined ? 'nothing' : rowText(after)
    for (const line of [`${key} from ${from}`, `  - ${was}`, `  + ${is}`]) say(line)
  }
  if (rows.length === 0) say('No row differs: only the region, days or gaps do (--json has each).')
  if (amounts.length === 0) write('\nNobody pays more or less.\n')
  for (const change of amounts) sayAmounts(change)
}

function rowText(row: Dated): string {
  const { from, to, status, sources } = row
  const cited = sources.map(({ title, number }) => number ?? title).join('; ')
  return `${shown(valuesOf(row))} (${from} to ${to ?? 'now'}, ${status}; ${cited})`
}

function sayAmounts({ from, to, amounts }: AmountChanges): void {
  say('')
  say(`${from} to ${to}: what is paid for one employee, in yuan`)
  say(`${'wage'.padStart(12)}${'employer'.padStart(24)}${'employee'.padStart(24)}`)
  for (const { wage, before, after } of amounts) {
    const cell = (side: 'employer' | 'employee') =>
      `${before?.[side] ?? 'refused'} → ${after?.[side] ?? 'refused'}`.padStart(24)
    say(`${wage.padStart(12)}${cell('employer')}${cell('employee')}`)
  }
}

function shown(values: Readonly<Record<string, unknown>>, language: keyof Text = 'en'): string {
  return Object.entries(values)
    .map(([name, value]) => {
      const told = language === 'en' ? name : memberName(name)
      return `${told} ${typeof value === 'string' ? value : JSON.stringify(value)}`
    })
    .join(', ')
}

try {
  main(process.argv.slice(2))
} catch (error) {
  reportFailure(error)
}
