/**
 * `npm run client-types [-- ADDRESS]`: makes src/client/api.ts of the schemas that a running intake describes at
 * /documentation. openapi-typescript does not install beside TypeScript 7: it gets a folder outside of the project,
 * for as long as this runs.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput } from '../platform/command/failure.ts'
import { say } from '../platform/command/output.ts'

const usage = helpText(
  'Usage: npm run client-types [-- ADDRESS]',
  { ADDRESS: 'of a running intake; http://127.0.0.1:8080, as npm start has it, unless given' },
  'npm run client-types -- http://127.0.0.1:8081',
)

const packages = ['openapi-typescript@7.13.0', 'typescript@5.9.3']
const types = fileURLToPath(new URL('../client/api.ts', import.meta.url))

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const { positionals } = parseArguments({ args, allowPositionals: true }, usage)
  const [address = 'http://127.0.0.1:8080', more] = positionals
  if (!URL.canParse(address) || more !== undefined)
    throw wrongUse('It takes one address, such as http://127.0.0.1:8080.', usage)
  const answer = await fetch(new URL('/documentation/json', address))
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}: is it an intake?`)
  const document = (await answer.json()) as { components: { schemas: object } }
  const { schemas } = document.components
  const text = generate({ ...document, paths: {}, components: { schemas } })
  writeFileSync(types, headOf(schemas, text) + text)
  say(`Wrote ${path.relative(process.cwd(), types)}.`)
}

function generate(document: object): string {
  const cwd = mkdtempSync(path.join(tmpdir(), 'spillway-client-types-'))
  try {
    writeFileSync(path.join(cwd, 'openapi.json'), JSON.stringify(document))
    writeFileSync(path.join(cwd, 'package.json'), '{}')
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
    execFileSync('npm', ['install', ...options, ...packages], { cwd })
    const generator = path.join(cwd, 'node_modules/.bin/openapi-typescript')
    return execFileSync(generator, ['openapi.json', '--immutable'], { cwd, encoding: 'utf8' })
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

/** tests/client/openapi.test.ts looks whether both still hold. */
function headOf(schemas: object, text: string): string {
  return [
    '/**',
    ' * Schemas of the API, made by `npm run client-types`: not edited by hand.',
    ` * sha256 of the schemas without texts: ${digestOf(JSON.stringify(schemas, withoutTexts))}`,
    ` * sha256 of what follows: ${digestOf(text)}`,
    ' */\n',
  ].join('\n')
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex')

/** A replacer of JSON: what is only said of a schema changes no type. */
function withoutTexts(name: string, value: unknown): unknown {
  const isText = name === 'description' && typeof value === 'string'
  return isText || (name === 'examples' && Array.isArray(value)) ? undefined : value
}

main(process.argv.slice(2)).catch(reportFailure)
