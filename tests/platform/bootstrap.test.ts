/** What runs a command from nothing: an install by hand is taken as it is, if it is complete. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const modules = path.join(root, 'node_modules')
let clone: string
let there: string

/** A clone after `npm ci`: packages, npm's list of them, and no note of ours. */
beforeAll(() => {
  clone = mkdtempSync(path.join(tmpdir(), 'spillway-clone-'))
  there = path.join(clone, 'node_modules')
  for (const file of [
    'package.json',
    'package-lock.json',
    'src/platform/bootstrap.mjs',
    'src/platform/portal-build.mjs',
  ])
    cpSync(path.join(root, file), path.join(clone, file))
  writeFileSync(path.join(clone, 'hello.mjs'), "console.log('hello')")
  mkdirSync(there)
  cpSync(path.join(modules, '.package-lock.json'), path.join(there, '.package-lock.json'))
  for (const name of readdirSync(modules).filter((one) => !one.startsWith('.')))
    symlinkSync(path.join(modules, name), path.join(there, name))
})
afterAll(() => rmSync(clone, { recursive: true }))

/** Without npm: what would install fails. */
function run(env: Record<string, string> = {}) {
  const args = ['src/platform/bootstrap.mjs', 'hello.mjs']
  const options = { cwd: clone, env: { PATH: '', ...env }, encoding: 'utf8' } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options)
  return { status, said: stdout + stderr }
}

test('after npm ci nothing is installed again', () => {
  expect(run()).toEqual({ status: 0, said: 'hello\n' })
  expect(existsSync(path.join(there, '.spillway-installed'))).toBe(true)
})

test('where one package is missing, all are installed, but not without a registry, and in production never', () => {
  rmSync(path.join(there, '.spillway-installed'))
  rmSync(path.join(there, 'pino'))
  const left = readdirSync(there)
  for (const env of [{ NODE_ENV: 'production' }, { ENVIRONMENT: 'production' }]) {
    const refused = run(env)
    expect(refused.said).toMatch(
      /^The packages are not those .* in production nothing is installed/,
    )
    expect(refused.status).toBe(1)
  }
  const { status, said } = run()
  expect(said).toMatch(/the npm registry can't be reached \(ENOENT\)\. Nothing was changed/)
  expect(status).toBe(1)
  expect(readdirSync(there)).toEqual(left)
  rmSync(there, { recursive: true })
  expect(run().said).toMatch(/^Installing packages .*npm ci failed \(ENOENT\)/s)
})
