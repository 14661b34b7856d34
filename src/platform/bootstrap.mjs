/**
 * Runs a command of the project from nothing: on any Node from 20, installs what is missing, then
 * goes on with the project's own Node 24, whose checksum is in package-lock.json as that of every package.
 * Plain JavaScript, no dependencies.
 *
 *   node src/platform/bootstrap.mjs FILE.ts [arguments]
 *   node src/platform/bootstrap.mjs --bin TOOL [arguments]     a tool of a package, such as vitest
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import module from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { canBuildPortal, isPortalBuilt } from './portal-build.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const modules = path.join(root, 'node_modules')
const node24 = path.join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node')
const stamp = path.join(modules, '.spillway-installed')
const lock = path.join(root, '.spillway-installing')
/** Without it each process strips types again: 15 to 20 MiB more and a third slower to start. */
const compiled = path.join(modules, '.cache', 'node-compile')

/** What serves the portal's pages: it is built before, when it is not there or older than its sources. */
const servesPages = new Set(['src/commands/start.ts', 'src/commands/intake.ts'])

const [first, ...rest] = process.argv.slice(2)
if (first === undefined) fail('Usage: bootstrap.mjs FILE.ts [arguments] or --bin TOOL [arguments]')
if (!isInstalled()) {
  // Other processes may run on these packages, and npm empties their folder first.
  if (isProduction())
    fail(
      'The packages are not those of package-lock.json, and in production nothing is installed at a start. Run "npm ci" in the folder of this release before anything is started from it; give each release a folder of its own.',
    )
  await install()
}
if (servesPages.has(first)) buildPages()
if (first === '--bin') run([toolFile(rest[0]), ...rest.slice(1)])
else if (Number(process.versions.node.split('.')[0]) < 24) run([path.resolve(root, first), ...rest])
else {
  process.env.NODE_COMPILE_CACHE ??= compiled // of the processes that this one starts, too
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  process.argv = [process.argv[0], path.resolve(root, first), ...rest]
  await import(pathToFileURL(path.resolve(root, first)).href)
}

/** Whether what package-lock.json lists is there: as our note says, or npm's own, of an install by hand. */
function isInstalled() {
  try {
    accessSync(node24, constants.X_OK)
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted()) return true
    if (!isComplete()) return false
  } catch {
    return false
  }
  try {
    writeFileSync(stamp, wanted())
  } catch {
    // Who may not write here looks again the next time.
  }
  return true
}

/**
 * npm lists what it installed once all of it is there. Of optional packages it leaves out those of other
 * machines; this machine's Node is optional, too, so an install that has it left out nothing else.
 */
function isComplete() {
  const packagesOf = (file) => JSON.parse(readFileSync(file, 'utf8')).packages
  const installed = packagesOf(path.join(modules, '.package-lock.json'))
  return Object.entries(packagesOf(path.join(root, 'package-lock.json'))).every(([name, wants]) => {
    const has = installed[name]
    if (name === '' || has === undefined) return name === '' || wants.optional === true
    return has.integrity === wants.integrity && existsSync(path.join(root, name, 'package.json'))
  })
}

function wanted() {
  return createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex')
}

function isProduction() {
  return process.env.NODE_ENV === 'production' || process.env.ENVIRONMENT === 'production'
}

/** npm removes all packages before it fetches any: without a registry none would be left. */
function assertRegistry(npm) {
  if (!existsSync(modules)) return
  const { status, error } = spawnSync(npm.command, [...npm.args, 'ping', '--loglevel=silent'], {
    cwd: root,
    stdio: 'ignore',
    env: withoutNodeOptions(),
  })
  if (status !== 0)
    fail(
      `The packages are not those of package-lock.json, and the npm registry can't be reached${error ? ` (${error.code})` : ''}. Nothing was changed: run the command again once it can.`,
    )
}

/** Installs once, whoever comes first; the others wait for it. */
async function install() {
  while (!takeLock()) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    if (isInstalled()) return
  }
  try {
    if (isInstalled()) return
    const npm = npmCommand()
    assertRegistry(npm)
    process.stderr.write('Installing packages (once; about half a minute) ...\n')
    const args = ['ci', '--include=dev', '--include=optional', '--ignore-scripts=false']
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
    // npm's own words go to standard error: a command's output stays its own.
    const { status, error } = spawnSync(npm.command, [...npm.args, ...args, ...quiet], {
      cwd: root,
      stdio: ['ignore', 2, 2],
      env: withoutNodeOptions(),
    })
    if (status !== 0)
      fail(
        `npm ci failed${error ? ` (${error.code})` : ''}. Check the messages above and that the npm registry can be reached, then run the command again.`,
      )
    if (!existsSync(node24))
      fail(
        `npm left out Node for ${process.platform} ${process.arch}: either its package did not come, or not as package-lock.json has it, or there is none for this machine (linux x64 and arm64).`,
      )
    writeFileSync(stamp, wanted())
  } finally {
    rmSync(lock, { force: true })
  }
}

/** A portal that can't be built leaves the engine as it is: filings need no page. */
function buildPages() {
  if (isPortalBuilt() || !canBuildPortal()) return
  process.stderr.write('Building the portal (once; some seconds) ...\n')
  const file = path.join(root, 'src/platform/portal-build.mjs')
  const { status } = spawnSync(node24, [file], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) process.stderr.write('The portal was not built: see above. All else runs.\n')
}

function npmCommand() {
  const entry = process.env.npm_execpath
  return entry?.endsWith('.js')
    ? { command: process.execPath, args: [entry] }
    : { command: 'npm', args: [] }
}

/** What npm set for the script that we are must not steer the npm that we run. */
function withoutNodeOptions() {
  const env = { ...process.env }
  for (const name of Object.keys(env)) {
    if (/^npm_(package|lifecycle)_/.test(name)) delete env[name]
  }
  delete env.NODE_OPTIONS
  return env
}

/** True: we install. The lock of a dead process is void. */
function takeLock() {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  try {
    process.kill(Number(readFileSync(lock, 'utf8')) || -1, 0)
  } catch (error) {
    if (error.code === 'ESRCH' || error.code === 'EINVAL') rmSync(lock, { force: true })
  }
  return false
}

/** The JavaScript entry of a package's tool. */
function toolFile(tool) {
  const packages = { tsc: 'typescript', biome: '@biomejs/biome', vitest: 'vitest' }
  const folder = path.join(
    modules,
    packages[tool] ?? fail(`No tool ${tool}: tsc, biome or vitest.`),
  )
  const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  return path.join(folder, typeof bin === 'string' ? bin : bin[tool])
}

/** Runs the project's Node and ends as it ends; signals are passed on, and waited for. */
function run(args) {
  const bin = path.join(modules, '.bin')
  const child = spawn(node24, [...process.execArgv, ...args], {
    stdio: 'inherit',
    env: {
      NODE_COMPILE_CACHE: compiled,
      ...process.env,
      PATH: `${bin}${path.delimiter}${process.env.PATH ?? ''}`,
    },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.once('error', (error) => fail(`The project's Node does not run (${error.code}).`))
  child.once('exit', (code, signal) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
    if (signal !== null) process.kill(process.pid, signal)
    else process.exit(code ?? 1)
  })
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}
