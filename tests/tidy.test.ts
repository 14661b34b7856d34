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
    .filter((file) => /\.(tsx?|mjs)$/.test(file))
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
  'formats',
  'journal',
  'queue',
  'ledger',
  'audit',
  'batch',
  'portal',
  'access',
  'intake',
  'platform',
]
/** In a room that has rooms of its own the same holds. */
const innerRooms: Readonly<Record<string, readonly string[]>> = {
  batch: [
    ...['findings', 'state', 'lease', 'slots', 'table', 'uploads', 'staging', 'errors', 'amending'],
    ...['steps', 'worker', 'status'],
  ],
  intake: [
    ...['problems', 'sessions', 'wire', 'auth', 'overload', 'bodies', 'present', 'batches'],
    ...['portal', 'routes'],
  ],
  platform: ['command', 'process', 'config', 'postgres', 'installation'],
}
const pure = ['declaration', 'policy']

const roomOf = (file: string) => /^src\/(\w+)\//.exec(file)?.[1]
const innerRoomOf = (file: string) => /^src\/\w+\/(\w+)\//.exec(file)?.[1]

test('imports run one way: from later rooms to earlier ones', () => {
  const wrong = sources.flatMap(({ file, imports }) =>
    !rooms.includes(roomOf(file) ?? '')
      ? []
      : imports
          .filter((target) => !mayImport(file, target))
          .map((target) => `${file} imports ${target}`),
  )
  expect(wrong).toEqual([])
})

function mayImport(file: string, target: string): boolean {
  if (target === 'src/limits.ts') return true
  const [room, other] = [roomOf(file), roomOf(target)] as [string, string | undefined]
  if (other === undefined) return false
  if (room !== other) return rooms.indexOf(other) <= rooms.indexOf(room)
  const inner = innerRooms[room]
  const [from, to] = [innerRoomOf(file), innerRoomOf(target)]
  // What lies beside the inner rooms puts them together.
  if (inner === undefined || from === undefined || to === undefined) return true
  return inner.indexOf(to) <= inner.indexOf(from)
}

test('no file imports itself, over whatever others', () => {
  const importsOfFile = new Map(sources.map(({ file, imports }) => [file, imports]))
  const [done, way] = [new Set<string>(), [] as string[]]
  const circles: string[] = []
  const walk = (file: string): void => {
    const at = way.indexOf(file)
    if (at >= 0) circles.push([...way.slice(at), file].join(' > '))
    if (at >= 0 || done.has(file)) return
    way.push(file)
    for (const target of importsOfFile.get(file) ?? []) walk(target)
    way.pop()
    done.add(file)
  }
  for (const { file } of sources) walk(file)
  expect(circles).toEqual([])
})

test('a folder of code can be looked over: it has no more than 20 files', () => {
  const counts = new Map<string, number>()
  for (const { file } of sources.filter(({ file: name }) => !name.startsWith('tests/'))) {
    const folder = path.dirname(file)
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  expect([...counts].filter(([, files]) => files > 20)).toEqual([])
})

test('nothing lies loose: what a command starts is in commands/, what bounds it in limits.ts', () => {
  const loose = sources.map(({ file }) => file).filter((file) => /^src\/[^/]+$/.test(file))
  expect(loose).toEqual(['src/limits.ts'])
})

test('only entry points, tests and benchmarks import the platform', () => {
  const wrong = sources
    .filter(({ file }) => ['platform', 'commands', undefined].includes(roomOf(file)) === false)
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
    'src/platform/installation/database.ts',
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
    .filter(({ file }) => !file.startsWith('tests/') && file !== 'src/platform/command/output.ts')
    // Runs before anything is installed; and prints a number to the benchmark that starts it.
    .filter(({ file }) => !/bootstrap\.mjs$|programs\/many-findings\.ts$/.test(file))
    .filter(({ text }) => /\bstd(?:out|err)\??\.(?:write|end)\b|\bconsole\.\w/.test(text))
    .map(({ file }) => file)
  expect(printing).toEqual([])
})

test('no file is dead: each is imported, run by a command, or a test', () => {
  const imported = new Set(sources.flatMap(({ imports }) => imports))
  const scripts = readFileSync(path.join(root, 'package.json'), 'utf8')
  const page = readFileSync(path.join(root, 'src/portal/index.html'), 'utf8').replaceAll('"', "'")
  const started = [page, ...sources.map(({ text }) => text)].join('\n')
  const dead = sources
    .map(({ file }) => file)
    .filter((file) => !imported.has(file) && !scripts.includes(file) && !file.endsWith('.test.ts'))
    // Programs that others start by their path.
    .filter(
      (file) => !started.includes(`${path.basename(path.dirname(file))}/${path.basename(file)}'`),
    )
    .filter((file) => !started.includes(`'./${path.basename(file)}'`))
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
