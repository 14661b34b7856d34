// Preloaded into the processes that tests start (command.ts): runs the bundle of a program in its place
// (bundles.ts). A process into which something else is preloaded runs unbundled, as the two share packages.
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isMainThread } from 'node:worker_threads'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bundles = process.env.SPILLWAY_TEST_BUNDLES

if (bundles && isMainThread && !process.execArgv.includes('--import')) {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context)
      const bundle = bundleOf(resolved.url)
      if (bundle === undefined) return resolved
      hooks.deregister()
      return { ...resolved, url: bundle, format: 'module' }
    },
  })
}

function bundleOf(url) {
  if (!url.endsWith('.ts')) return undefined
  const bundle = path.join(bundles, `${path.relative(root, fileURLToPath(url))}.mjs`)
  return existsSync(bundle) ? pathToFileURL(bundle).href : undefined
}
