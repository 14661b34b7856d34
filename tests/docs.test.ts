/** What the documents say is what the source does. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { catalogue } from '../src/declaration/catalogue/catalogue.ts'
import { problemKinds } from '../src/intake/problems/problem-kinds.ts'
import { variables } from '../src/platform/config/config.ts'
import { intakeMemory, workerMemory } from '../src/platform/process/process-memory.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const pages = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.md'))
  .map((file) => path.posix.join('docs', file))
const documents = [
  ...['README.md', 'src/README.md', 'src/policy/README.md', 'src/batch/README.md'],
  ...pages,
]
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

test('every command in the documents is an npm script, and every script is in a document', () => {
  const commands = (text: string) =>
    [...text.matchAll(/npm (?:run (?:--silent )?([\w:-]+)|(start|test))\b/g)].map(
      ([, named, short]) => named ?? short,
    )
  for (const file of documents) {
    for (const command of commands(read(file))) expect(Object.keys(scripts)).toContain(command)
  }
  const named = new Set(documents.flatMap((file) => commands(read(file))))
  expect(Object.keys(scripts).filter((script) => !named.has(script))).toEqual([])
})

test('processes are started with the same memory by npm and by the engine', () => {
  const start = ({ execArgv, env }: typeof workerMemory | typeof intakeMemory, file: string) => {
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    return `${settings.join(' ')} exec node ${execArgv.join(' ')} src/platform/bootstrap.mjs ${file}`
  }
  expect(scripts.intake).toBe(start(intakeMemory, 'src/commands/intake.ts'))
  expect(scripts.worker).toBe(start(workerMemory, 'workers/post.ts'))
  expect(scripts['batch-worker']).toBe(start(workerMemory, 'workers/batches.ts'))
})

test('the table of the environment lists every variable, as the source tells it', () => {
  const rows = [
    ...read('docs/reference/configuration.md').matchAll(/^\| `([A-Z_]+)` \| (.+?) \|$/gm),
  ].map(([, name, text]) => [name, text])
  expect(Object.fromEntries(rows)).toEqual(variables)
})

test('the README is short enough to be read', () => {
  expect(read('README.md').split('\n').length).toBeLessThan(180)
})

test('links and files named in the documents are there', () => {
  for (const file of documents) {
    const links = [...read(file).matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(
      ([, link]) => link as string,
    )
    for (const link of links) {
      expect(existsSync(path.join(root, path.dirname(file), link)), `${link} in ${file}`).toBe(true)
    }
  }
})

test('a link to a heading finds it', () => {
  const anchorsOf = (file: string) =>
    [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )
  for (const file of documents)
    for (const [, page = '', anchor = ''] of read(file).matchAll(
      /\]\((?!https?:)([^)#]*)#([^)]+)\)/g,
    )) {
      const target = page === '' ? file : path.posix.join(path.posix.dirname(file), page)
      expect(anchorsOf(target), `#${anchor} in ${file}`).toContain(anchor)
    }
})

test('a test that a document names exists by that name', () => {
  const named = (file: string) =>
    [...read(file).matchAll(/`(tests\/[\w./-]+)`/g)].map(([, test]) => test as string)
  expect(named('README.md').length).toBeGreaterThan(8)
  for (const file of documents)
    for (const test of named(file))
      expect(existsSync(path.join(root, test)), `${test} in ${file}`).toBe(true)
})

test('every problem and finding speaks both languages', () => {
  const codes = { ...catalogue, ...problemKinds }
  for (const [code, entry] of Object.entries(codes)) {
    expect(code).toMatch(/^[A-Z][A-Z_]+$/)
    expect(JSON.stringify(entry), code).toMatch(/"zh-CN":".*[\u4e00-\u9fff]/)
  }
})
