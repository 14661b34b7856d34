/**
 * The arguments of a command. Who uses it wrongly is told what is wrong and how it is used, and it ends with 2
 * (failure.ts); nothing was done then.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { UsageError } from './failure.ts'

type Language = 'zh-CN' | 'en'

/** @throws UsageError of options that the command does not have, or that lack a value */
export function parseArguments<T extends ParseArgsConfig>(
  config: T,
  usage: string,
  language: Language = 'en',
) {
  try {
    return parseArgs(config)
  } catch (error) {
    const said = wrongOption(error)
    throw wrongUse(language === 'en' ? said : `参数有误：${optionOf(said)}。`, usage)
  }
}

/** For a command that takes none. */
export function expectNoArguments(args: string[], usage: string): void {
  parseArguments({ args }, usage)
}

/** @param what a sentence: which argument, and what it must be */
export function wrongUse(what: string, usage: string): UsageError {
  return new UsageError(`${what}\n${usage}`)
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
