/** A file that holds what an intake answered, as whoever saved it has it. */
import { UsageError } from './failure.ts'
import { parseJson, readTextFile } from './text-file.ts'

/** @throws UsageError where it can't be read, or is no object of JSON */
export function readSavedJson(file: string): object {
  const text = readTextFile(file)
  try {
    const parsed = parseJson(bodyOf(text), file)
    if (typeof parsed === 'object' && parsed !== null) return parsed
  } catch (error) {
    if (error instanceof UsageError) throw error
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
