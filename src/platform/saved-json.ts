/** A file that holds what an intake answered, as whoever saved it has it. */
import { readFileSync } from 'node:fs'
import { UsageError } from './failure.ts'

/** @throws UsageError where it can't be read, or is no object of JSON */
export function readSavedJson(file: string): object {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`Can't read ${file} (${(error as NodeJS.ErrnoException).code}).`)
  }
  try {
    const parsed: unknown = JSON.parse(bodyOf(text))
    if (typeof parsed === 'object' && parsed !== null) return parsed
  } catch {
    // said below
  }
  throw new UsageError(`${file} is not JSON.`)
}

/** Saved with headers (curl -i): the body begins after an empty line. */
function bodyOf(text: string): string {
  return /^HTTP\//.test(text)
    ? text
        .split(/\r?\n\r?\n/)
        .slice(1)
        .join('\n')
    : text
}
