/**
 * The programs that tests start, bundled: a process then loads a few files instead of a thousand and starts
 * with half the CPU time. Bundles are kept under node_modules/.cache, keyed by the content of all sources.
 * `run-bundle.mjs`, preloaded into each process, runs a program's bundle in its place.
 *
 * The programs run unbundled everywhere else: in production, under `npm run`, in benchmarks and fault runs.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = path.join(root, 'node_modules', '.cache', 'spillway', 'bundles')
/** Another run may still use what is younger. */
const unusedMsMin = 24 * 3_600_000

/** Programs that processes fork, beside the commands in package.json. */
const forked = ['workers/post.ts', 'workers/batches.ts', 'bench/rehearsal/load/generator.ts']

/** Bundles all programs unless the cache has them; resolves with the folder of the bundles. */
export async function bundlePrograms(): Promise<string> {
  const folder = path.join(cache, keyOfSources())
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  for (const name of readdirSync(cache)) {
    const older = path.join(cache, name)
    if (Date.now() - statSync(older).mtimeMs > unusedMsMin) rmSync(older, { recursive: true })
  }
  const draft = mkdtempSync(path.join(cache, 'draft-'))
  await bundle(draft)
  try {
    renameSync(draft, folder)
  } catch (error) {
    // Another run made the same bundles first.
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}

async function bundle(folder: string): Promise<void> {
  const programs = new Set([...commands(), ...forked])
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries([...programs].map((file) => [file, path.join(root, file)])),
    platform: 'node',
    // Optional parts of packages, which are not installed.
    external: ['pg-native', 'msgpackr-extract'],
    plugins: [ownPlaces],
    logLevel: 'silent',
  })
  // A bundle keeps the name of its program: stack traces name a .ts file, as they do unbundled.
  await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].mjs',
    // Node parses a .js file once more, to find out what it is.
    chunkFileNames: '[name]-[hash].mjs',
    keepNames: true,
  })
  await build.close()
}

/** The programs of `npm run`. */
function commands(): string[] {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  return Object.values(scripts)
    .flatMap((script) => /\S+\.ts(?=$| )/.exec(script) ?? [])
    .filter((file) => !file.endsWith('.config.ts'))
}

/** Modules that look for files beside themselves find them where they were before they were bundled. */
const ownPlaces: Plugin = {
  name: 'own-places',
  transform(code, id) {
    if (!path.isAbsolute(id) || !/import\.meta\.url|__dirname|__filename/.test(code))
      return undefined
    const placed = code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
    if (/\b(?:const|let|var)\s+__(?:dir|file)name\b/.test(placed)) return placed
    return placed
      .replaceAll(/\b__dirname\b/g, JSON.stringify(path.dirname(id)))
      .replaceAll(/\b__filename\b/g, JSON.stringify(id))
  },
}

function keyOfSources(): string {
  const hash = createHash('sha256').update(root)
  const files = ['src', 'workers', 'bench'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs)$/.test(name))
      .map((name) => path.join(folder, name)),
  )
  for (const file of [
    ...files.sort(),
    'package-lock.json',
    'package.json',
    'tests/support/bundles.ts',
  ]) {
    hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)))
  }
  return hash.digest('hex').slice(0, 32)
}
