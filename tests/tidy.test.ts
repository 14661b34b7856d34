/** Code about code: imports run one way, traps stay out, no file is dead. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = ['src', 'workers', 'bench', 'tests']

type Source = { readonly file: string; readonly text: string; readonly imports: readonly string[] }

const sources: Source[] = folders.flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => /\.(ts|mjs)$/.test(file))
    .map((file) => {
      const text = readFileSync(path.join(root, file), 'utf8')
      return { file, text, imports: importsOf(file, text) }
    }),
)

/** Files of the project that a file imports, from the root. */
function importsOf(file: string, text: string): string[] {
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)
  return [...found].map(([, target]) => path.join(path.dirname(file), target as string))
}

/** Each room may import itself and those before it; entry points may import all. */
const rooms = [
  'declaration',
  'client',
  'policy',
  'journal',
  'queue',
  'ledger',
  'audit',
  'batch',
  'access',
  'intake',
  'platform',
]
const pure = ['declaration', 'policy']

const roomOf = (file: string) => /^src\/(\w+)\//.exec(file)?.[1]

test('imports run one way: from later rooms to earlier ones', () => {
  const wrong = sources.flatMap(({ file, imports }) => {
    const room = roomOf(file)
    if (room === undefined) return []
    return imports
      .filter((target) => !mayImport(room, target))
      .map((target) => `${file} imports ${target}`)
  })
  expect(wrong).toEqual([])
})

function mayImport(room: string, target: string): boolean {
  if (target === 'src/limits.ts') return true
  const other = roomOf(target)
  return other !== undefined && rooms.indexOf(other) <= rooms.indexOf(room)
}

test('only entry points, tests and benchmarks import the platform', () => {
  const wrong = sources
    .filter(({ file }) => ['platform', undefined].includes(roomOf(file)) === false)
    .filter(({ imports }) => imports.some((target) => roomOf(target) === 'platform'))
    .map(({ file }) => file)
  expect(wrong).toEqual([])
})

test('declaration and policy are pure: no packages of Node, no I/O, no clock', () => {
  const wrong = sources
    .filter(({ file }) => pure.includes(roomOf(file) ?? ''))
    .filter(({ text }) =>
      /from 'node:|process\.|Date\.now|new Date\(\)|Math\.random|fetch\(/.test(text),
    )
    .map(({ file }) => file)
  expect(wrong).toEqual([])
})

test('BullMQ is named in the queue room alone, and where its tables are made', () => {
  const naming = sources
    .filter(({ file, text }) => file.startsWith('src/') && /from 'bullmq'/.test(text))
    .map(({ file }) => file)
  expect(naming.filter((file) => !file.startsWith('src/queue/'))).toEqual([
    'src/platform/database.ts',
  ])
})

test('known traps are not called', () => {
  const traps = {
    FlowProducer: /FlowProducer/,
    QueueEvents: /new QueueEvents/,
    'an unbounded getter of jobs': /\.get(?:Jobs|Delayed|Waiting|Active|Completed|Failed)\(\s*\)/,
    'a commit that does not wait': /synchronous_commit\W{1,4}off/,
    'a skipped or lonely test': /\b(?:test|describe|it)\.(?:skip|only|todo)\b/,
  }
  const wrong = sources
    .filter(({ file }) => file !== 'tests/tidy.test.ts')
    .flatMap(({ file, text }) =>
      Object.entries(traps)
        .filter(([, trap]) => trap.test(text))
        .map(([name]) => `${file}: ${name}`),
    )
  expect(wrong).toEqual([])
})

test('nothing is printed but by platform/output.ts, which lets no text steer a terminal', () => {
  const printing = sources
    .filter(({ file }) => !file.startsWith('tests/') && file !== 'src/platform/output.ts')
    // Runs before anything is installed; and prints a number to the benchmark that starts it.
    .filter(({ file }) => !/bootstrap\.mjs$|programs\/many-findings\.ts$/.test(file))
    .filter(({ text }) => /\bstd(?:out|err)\??\.(?:write|end)\b|\bconsole\.\w/.test(text))
    .map(({ file }) => file)
  expect(printing).toEqual([])
})

test('no file is dead: each is imported, run by a command, or a test', () => {
  const imported = new Set(sources.flatMap(({ imports }) => imports))
  const scripts = readFileSync(path.join(root, 'package.json'), 'utf8')
  const started = sources.map(({ text }) => text).join('\n')
  const dead = sources
    .map(({ file }) => file)
    .filter((file) => !imported.has(file) && !scripts.includes(file) && !file.endsWith('.test.ts'))
    // Programs that others start by their path.
    .filter(
      (file) => !started.includes(`${path.basename(path.dirname(file))}/${path.basename(file)}'`),
    )
    .filter((file) => !started.includes(`'../${path.basename(file)}'`))
    .filter((file) => file !== 'tests/vitest.config.ts')
  expect(dead).toEqual([])
})

test('a file of the engine begins with what it is for', () => {
  const silent = sources
    .filter(({ file }) => file.startsWith('src/') || file.startsWith('workers/'))
    .filter(({ text }) => !text.startsWith('/**'))
    .map(({ file }) => file)
  expect(silent).toEqual([])
})
