/**
 * Builds the portal: every script and style has the hash of its content in its name, so that browsers keep it for
 * ever; nothing is inline, as the content security policy allows neither inline script nor eval.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const at = (file: string) => fileURLToPath(new URL(file, import.meta.url))

export default defineConfig({
  root: at('.'),
  base: '/',
  publicDir: false,
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  build: {
    outDir: at('../../.portal'),
    emptyOutDir: true,
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ['es2022', 'chrome109', 'safari16.4', 'firefox115'],
    // Of all files that were built, for the service worker and for what intake serves.
    manifest: 'assets.json',
  },
})
