/**
 * The projects of the test suite. A test file belongs to one by what it needs, which is what it imports:
 * `unit` needs no service, `database` the shared Postgres, `system` processes, browsers or servers of its own.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export const projects = ['system', 'database', 'unit'] as const
export type Project = (typeof projects)[number]

/** Anything that starts a process of its own. */
const starts =
  /\b(?:startProcess|runCommand|startRedis|startEmbeddedPostgres|createSupervisor|launchChromium)\(|'node:child_process'/
/** They define what starts processes; a test may import something else of them. */
const defining = ['engine', 'command', 'redis', 'chromium'].map(
  (name) => `tests/support/${name}.ts`,
)
const services = /\binject\(/

/** The test files of each project, from the root. */
export function filesByProject(): Record<Project, string[]> {
  const files: Record<Project, string[]> = {
    system: [],
    database: [],
    unit: [],
  }
  for (const name of readdirSync(path.join(root, 'tests'), { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.test.ts')) files[projectOf(`tests/${name}`)].push(`tests/${name}`)
  }
  return files
}

function projectOf(file: string): Project {
  const needed = [...reachedFrom(file)]
  const uses = (pattern: RegExp, except: readonly string[] = []) =>
    needed.some((one) => !except.includes(one) && pattern.test(textOf(one)))
  if (uses(starts, defining)) return 'system'
  return uses(services) ? 'database' : 'unit'
}

/** The files of tests and benchmarks that a test file imports, directly or not, and itself. */
function reachedFrom(file: string, reached = new Set<string>()): Set<string> {
  if (reached.has(file)) return reached
  reached.add(file)
  for (const [, target] of textOf(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
    const imported = path.join(path.dirname(file), target as string)
    if (/^(?:tests|bench)\//.test(imported)) reachedFrom(imported, reached)
  }
  return reached
}

const texts = new Map<string, string>()

function textOf(file: string): string {
  const known = texts.get(file)
  if (known !== undefined) return known
  const absolute = path.join(root, file)
  const text = existsSync(absolute) ? readFileSync(absolute, 'utf8') : ''
  texts.set(file, text)
  return text
}
