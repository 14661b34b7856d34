/**
 * The arguments of a command. `--help` prints how it is used, what each option means, and an example. Who uses
 * it wrongly is told what is wrong and how it is used, and it ends with 2 (failure.ts); nothing was done then.
 */
import { strict as assert } from 'node:assert'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { HelpRequest, UsageError } from './failure.ts'

type Language = 'zh-CN' | 'en'

const headings = {
  en: { options: 'Options:', example: 'Example:', help: 'print this' },
  'zh-CN': { options: '选项：', example: '示例：', help: '显示本说明' },
} as const

/**
 * The help of a command. Its first paragraph is the usage, which is told where the command is used wrongly.
 * @param options by what is typed, such as `--json` or `FILE`: what it means
 */
export function helpText(
  usage: string,
  options: Readonly<Record<string, string>>,
  example: string,
  language: Language = 'en',
): string {
  const words = headings[language]
  const all = Object.entries({ ...options, '--help': words.help })
  const width = Math.max(...all.map(([typed]) => typed.length))
  const lines = all.map(([typed, meaning]) => `  ${typed.padEnd(width)}  ${meaning}`)
  return [usage, [words.options, ...lines].join('\n'), `${words.example}\n  ${example}`].join(
    '\n\n',
  )
}

/**
 * @param usage of `helpText`
 * @throws HelpRequest where `--help` is among the arguments
 * @throws UsageError of options that the command does not have, or that lack a value
 */
export function parseArguments<T extends ParseArgsConfig>(
  config: T,
  usage: string,
  language: Language = 'en',
) {
  answerHelp(config, usage)
  try {
    return parseArgs(config)
  } catch (error) {
    const said = wrongOption(error)
    throw wrongUse(language === 'en' ? said : `参数有误：${optionOf(said)}。`, usage)
  }
}

/** An option that its help does not name is a mistake in the command. */
function answerHelp({ args = process.argv.slice(2), options = {} }: ParseArgsConfig, help: string) {
  const [end] = [...args.keys()].filter((at) => args[at] === '--')
  if (!args.slice(0, end).includes('--help')) return
  const unnamed = Object.keys(options).filter((name) => !help.includes(`\n  --${name}`))
  assert.deepEqual(unnamed, [], 'options without a line of help')
  throw new HelpRequest(help)
}

/** For a command that takes none. */
export function expectNoArguments(args: string[], usage: string): void {
  parseArguments({ args }, usage)
}

/** @param what a sentence: which argument, and what it must be */
export function wrongUse(what: string, usage: string): UsageError {
  return new UsageError(`${what}\n${usage.split('\n\n', 1)[0]}`)
}

/** What Node says of it; after the first sentence it tells of positional arguments. */
function wrongOption(error: unknown): string {
  const { code, message } = error as { code?: unknown; message: string }
  if (typeof code !== 'string' || !code.startsWith('ERR_PARSE_ARGS_')) throw error
  return `${message.split('. ', 1)[0]?.replace(/\.$/, '')}.`
}

/** Which one it tells of. */
function optionOf(said: string): string {
  return /'([^']*)'/.exec(said)?.[1] ?? said
}
