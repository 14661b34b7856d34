/**
 * Every command says how it is used: asked with --help, it ends with 0; used wrongly, it also says what is wrong,
 * does nothing, and ends with 2.
 */
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'

const { scripts } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { scripts: Record<string, string> }

/** By the name of their npm script, what runs; those of other programs are left out. */
const commands = new Map(
  Object.entries(scripts).flatMap(([name, script]) => {
    const file = script.split(' ').at(-1) ?? ''
    return file.endsWith('.ts') && !script.includes('--bin') ? [[name, file] as const] : []
  }),
)
/** Nothing may be made there. */
const DATA_DIR = path.join(tmpdir(), 'spillway-wrong-use')

async function run(name: string, args: readonly string[], env: Record<string, string> = {}) {
  const command = runCommand(commands.get(name) ?? '', { DATA_DIR, LANG: 'C', ...env }, args)
  return { code: await command.done, said: command.output() }
}

const usageOf = (name: string) =>
  name === 'start' ? 'Usage: npm start' : new RegExp(`Usage: npm run (--silent )?${name}( |$)`, 'm')

test.concurrent.each([...commands.keys()])(
  '%s --help: usage, options, an example',
  async (name) => {
    const { code, said } = await run(name, ['--help'])
    expect(code, said).toBe(0)
    const [usage, options, ...more] = said.split('\n\n')
    expect(usage).toMatch(usageOf(name))
    expect(options).toMatch(/^Options:\n( {2}\S.* {2}\S.*\n)* {2}--help +print this$/)
    const runs = name === 'start' ? 'npm start' : `npm run (--silent )?${name}`
    expect(more[0]).toMatch(new RegExp(`^Example:\n {2}(\\S+ )?${runs}( .+)?\n?$`))
    expect(existsSync(DATA_DIR)).toBe(false)
  },
)

const employer = ['--employer', '91350100M000100Y43']
const table: readonly (readonly [name: string, args: readonly string[], says: string])[] = [
  ['start', ['now'], "Unexpected argument 'now'."],
  ['replay', ['all'], "Unexpected argument 'all'."],
  ['keyring', [], 'A command is missing.'],
  ['keyring', ['create', 'twice'], 'There is no create twice.'],
  ['keyring', ['retire'], 'retire takes one KID.'],
  ['migrate', ['down'], 'There is no down.'],
  ['rehearsal', ['make'], 'make is neither create nor remove.'],
  ['token', ['--subject', 's'], '--employer is missing: who the token may file for.'],
  ['token', [...employer, '--subject', 's', '--ttl', '12'], '--ttl must be a number with s, m, h'],
  ['token', [...employer, '--subject', 's', '--scope', 'all'], '--scope must be of '],
  ['token', ['--subject', 's', '--role', 'king'], '--role must be of filer'],
  ['token', employer, '--subject is whose the token is'],
  ['audit', ['--json'], '--history is missing.'],
  ['outages', ['--from', '2024-11-31'], '2024-11-31 is no day.'],
  ['outages', ['--from', '2024-11-30', '--to', '2024-11-01'], '--from 2024-11-30 is after'],
  ['reconcile', ['--by', 'month'], '--by must be employer or envelope.'],
  ['reconcile', ['--day', 'today'], 'today is no day.'],
  ['reassess', ['--region', '340100', '--from', '2024'], '--from must be a month like 2024-11.'],
  ['dead-letters', ['drop'], 'There is no drop.'],
  ['dead-letters', ['retry'], 'retry takes IDs, or --all; not both.'],
  ['denials', ['drop'], 'There is no drop.'],
  ['denials', ['deny', '--operator', 'me'], 'It takes one of --jti, --sub and --token-file.'],
  ['denials', ['deny', '--sub', 's', '--operator', 'me'], '--reason is missing.'],
  ['denials', ['deny', '--jti', 'j', '--issuer', 'i'], '--issuer goes with --sub alone.'],
  ['batches', ['cancel', 'id', '--operator', 'me'], '--reason is missing.'],
  ['batches', ['recheck'], 'recheck takes one ID.'],
  ['access-log', ['read'], 'There is no read.'],
  ['access-log', ['verify', '--from', '2024-11-01'], 'verify does not take --from.'],
  ['access-log', ['export', '--to', 'today'], 'today is no day.'],
  ['policy', ['shew'], 'There is no shew.'],
  ['policy', ['show', '340100', '--on', 'May'], '--on must be a month like 2024-11, or a day.'],
  ['verify-receipt', [], 'It takes one file.'],
  ['verify-receipt', ['no-such-file'], "Can't read no-such-file (ENOENT)."],
  ['check-file', ['a.csv', '--json', '--csv'], 'Say --json or --csv, not both.'],
  ['check-file', ['--lang', 'zh-CN', '--json', '--csv', 'a.csv'], '--json 与 --csv 只能选一个。'],
  ['check-file', ['--lang=zh-CN', '--no-such-option'], '参数有误：--no-such-option。'],
  ['upload', ['a.csv', '--period', '2024-11'], '--token-file or --token is missing.'],
  ['upload', ['a.csv', '--token', 'a.b.c', '--url', 'here'], '--url here is no address.'],
  ['demo', ['--seed', 'x'], '--seed must be a whole number from 1 to 100000.'],
  ['faults', ['--backend', 'none'], '--backend must be redis or postgres.'],
  ['bench', ['--only', 'none'], 'There is no none.'],
  ['bench:model', ['--peak', 'high'], '--peak must be a number above 0.'],
  ['rehearse', ['compare', 'one'], 'It takes two records.'],
  ['rehearse', ['--out', 'folder'], '--profile is missing.'],
]

test.concurrent.each(table)('%s %j: %s', async (name, args, says) => {
  const { code, said } = await run(name, args)
  expect(code, said).toBe(2)
  expect(said.startsWith(says), said).toBe(true)
  expect(existsSync(DATA_DIR)).toBe(false)
})

const inTable = new Set(table.map(([name]) => name))
const others = [...commands.keys()].filter((name) => !inTable.has(name))

test.concurrent.each(others)('%s has no such option', async (name) => {
  const { code, said } = await run(name, ['--no-such-option'])
  expect(code, said).toBe(2)
  expect(said).toMatch(/^[^\n]*--no-such-option/)
  expect(said).toMatch(usageOf(name))
  expect(existsSync(DATA_DIR)).toBe(false)
})
