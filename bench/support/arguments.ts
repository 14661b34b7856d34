/**
 * The arguments of a benchmark: all have --json, some have more. Who uses it wrongly is told so before anything
 * is measured, and it ends with 2, as every command does.
 */
import { helpText, parseArguments, wrongUse } from '../../src/platform/command/arguments.ts'
import { reportFailure } from '../../src/platform/command/failure.ts'

/** By name; a number must be given for those whose default is one. */
type Defaults = Readonly<Record<string, string>>

export function benchArguments<T extends Defaults>(
  name: string,
  defaults: T,
): { readonly [K in keyof T]: string } & { readonly json: boolean } {
  try {
    return read(name, defaults)
  } catch (error) {
    return reportFailure(error)
  }
}

function read<T extends Defaults>(name: string, defaults: T) {
  const names = Object.keys(defaults)
  const usage = helpText(
    `Usage: npm run ${name} -- ${names.map((one) => `[--${one} VALUE] `).join('')}[--json]`,
    {
      ...Object.fromEntries(
        names.map((one) => [`--${one} VALUE`, `${defaults[one]} unless given`]),
      ),
      '--json': 'print the figures as JSON lines',
    },
    `npm run ${name} -- --json`,
  )
  const texts = names.map((one) => [one, { type: 'string', default: defaults[one] as string }])
  const options = {
    ...(Object.fromEntries(texts) as Record<string, { type: 'string'; default: string }>),
    json: { type: 'boolean', default: false },
  } as const
  const values = parseArguments({ options }, usage).values as Record<string, string | boolean>
  for (const one of names) {
    const isNumber = Number(defaults[one]) > 0
    if (isNumber && !(Number(values[one]) > 0))
      throw wrongUse(`--${one} must be a number above 0.`, usage)
  }
  return values as { readonly [K in keyof T]: string } & { readonly json: boolean }
}
