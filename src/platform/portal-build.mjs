/**
 * Builds the portal's pages into `.portal/`, when they are not there or were built from other sources; with a copy of
 * each compressed beside it, so that intake compresses nothing. Plain JavaScript: runs before the project's own Node.
 *
 * Where the packages that build it are not installed (a production host that was given `node_modules` without
 * development packages) what was built elsewhere and copied here is left as it is.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const portalFolder = path.join(root, '.portal')
const stampName = 'sources.txt'
/** What the pages are made of. */
const sources = [
  'src/portal',
  'src/client',
  'src/declaration',
  'src/policy',
  'src/batch/table',
  'package-lock.json',
]

/** SHA-256 of names and contents. */
function digestOfSources() {
  const digest = createHash('sha256')
  for (const source of sources) {
    const whole = path.join(root, source)
    const names = source.includes('.')
      ? ['']
      : readdirSync(whole, { recursive: true, encoding: 'utf8' }).sort()
    for (const name of names) {
      const file = path.join(whole, name)
      if (!/\.(?:tsx?|css|html|svg|json|webmanifest)$/.test(file)) continue
      digest.update(`${path.relative(root, file)}\0`).update(readFileSync(file))
    }
  }
  return digest.digest('hex')
}

export function isPortalBuilt() {
  try {
    return readFileSync(path.join(portalFolder, stampName), 'utf8') === digestOfSources()
  } catch {
    return false
  }
}

/** Whether it can be built here. */
export function canBuildPortal() {
  return (
    existsSync(path.join(root, 'node_modules/vite')) &&
    existsSync(path.join(root, 'node_modules/preact'))
  )
}

/**
 * Into a folder of its own first: who serves the old one meanwhile, or builds at the same time, is not disturbed.
 * @returns whether it was built now
 */
export async function buildPortal() {
  if (isPortalBuilt() || !canBuildPortal()) return false
  const stamp = digestOfSources()
  const making = `${portalFolder}.${process.pid}`
  const { build } = await import('vite')
  await build({
    configFile: path.join(root, 'src/portal/vite.config.ts'),
    build: { outDir: making },
  })
  compressAll(making)
  writeFileSync(path.join(making, stampName), stamp)
  const old = `${making}.old`
  if (existsSync(portalFolder)) renameSync(portalFolder, old)
  renameSync(making, portalFolder)
  rmSync(old, { recursive: true, force: true })
  return true
}

function compressAll(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:js|css|html|svg|webmanifest|json)$/.test(name)) continue
    const file = path.join(folder, name)
    const bytes = readFileSync(file)
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11 }
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }))
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPortal()
