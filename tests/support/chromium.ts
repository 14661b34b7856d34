/**
 * Where tests get a Chromium from: `chromium` or `google-chrome` on the PATH, else Debian's package,
 * unpacked under node_modules and not installed.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { libraryFolders, unpackPackages } from './packages.ts'

const names = ['chromium', 'google-chrome', 'google-chrome-stable'] as const
const cache = fileURLToPath(new URL('../../node_modules/.cache/spillway/chromium', import.meta.url))

/** Headless, and without what a browser does in the network by itself. */
export function launchChromium(): Promise<Browser> {
  const { command, env } = findChromium()
  return chromium.launch({
    executablePath: command,
    args: ['--no-sandbox', '--disable-background-networking'],
    env: { ...process.env, ...env },
  })
}

/** @throws Error that says what to install, when there is no way to get one */
function findChromium(): { readonly command: string; readonly env: Record<string, string> } {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const name = names.find((candidate) => existsSync(join(folder, candidate)))
    if (name !== undefined) return { command: join(folder, name), env: {} }
  }
  try {
    if (!existsSync(cache)) unpackPackages(['chromium', 'fonts-liberation'], cache)
    return { command: join(cache, 'usr/lib/chromium/chromium'), env: environment() }
  } catch (cause) {
    throw new Error(
      'These tests need a real Chromium and found none. Install one (Debian: apt-get install chromium), put chromium or google-chrome on the PATH, and run the command again.',
      { cause },
    )
  }
}

function environment(): Record<string, string> {
  const fonts = join(cache, 'fonts.conf')
  const folders = ['/usr/share/fonts', join(cache, 'usr/share/fonts')]
  writeFileSync(
    fonts,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>${folders.map((folder) => `<dir>${folder}</dir>`).join('')}<cachedir>${join(cache, 'fonts')}</cachedir></fontconfig>`,
  )
  return { LD_LIBRARY_PATH: libraryFolders(cache), FONTCONFIG_FILE: fonts }
}
