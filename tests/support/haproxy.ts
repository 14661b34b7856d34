/**
 * Where tests get HAProxy from: the PATH, or where Debian installs it, else Debian's package, unpacked under
 * node_modules and not installed.
 */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { libraryFolders, unpackPackages } from './packages.ts'

const cache = fileURLToPath(new URL('../../node_modules/.cache/spillway/haproxy', import.meta.url))

/** @throws Error that says what to install, when there is no way to get one */
export function findHaproxy(): { readonly command: string; readonly env: Record<string, string> } {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  const found = folders.map((folder) => join(folder, 'haproxy')).find(existsSync)
  if (found !== undefined) return { command: found, env: {} }
  try {
    if (!existsSync(cache)) unpackPackages(['haproxy'], cache)
    return {
      command: join(cache, 'usr/sbin/haproxy'),
      env: { LD_LIBRARY_PATH: libraryFolders(cache) },
    }
  } catch (cause) {
    throw new Error(
      'These tests need a real HAProxy and found none. Install one (Debian and Ubuntu: apt-get install haproxy), or put it on the PATH, and run the command again.',
      { cause },
    )
  }
}
