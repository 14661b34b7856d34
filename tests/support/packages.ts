/** Packages of Debian or Ubuntu, unpacked in a folder and not installed, so that an ordinary user can do it. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Downloads packages with what they depend on and this machine lacks, and unpacks them into a folder,
 * which is there only if all went well.
 * @param always packages that are unpacked even if the machine has them
 */
export function unpackPackages(
  names: readonly string[],
  folder: string,
  always: readonly string[] = [],
): void {
  mkdirSync(join(folder, '..'), { recursive: true })
  const draft = mkdtempSync(`${folder}-`)
  try {
    process.stderr.write(`Fetching ${names.join(', ')} for the tests (once) ...\n`)
    const folders = { lists: join(draft, 'lists'), archives: join(draft, 'archives') }
    for (const one of Object.values(folders)) mkdirSync(join(one, 'partial'), { recursive: true })
    const own = [
      ...['-o', `Dir::State::lists=${folders.lists}`],
      ...['-o', `Dir::Cache::archives=${folders.archives}`],
      ...['-o', 'Dir::Cache::pkgcache=', '-o', 'Dir::Cache::srcpkgcache='],
      ...['-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=', '-q'],
    ]
    const run = (...args: string[]) =>
      execFileSync(args[0] as string, args.slice(1), { cwd: folders.archives, stdio: 'pipe' })
    run('apt-get', ...own, 'update')
    if (always.length > 0) run('apt-get', ...own, 'download', ...always)
    run(
      ...['apt-get', ...own, 'install', '--yes', '--download-only', '--no-install-recommends'],
      ...names,
    )
    for (const name of readdirSync(folders.archives).filter((file) => file.endsWith('.deb'))) {
      run('dpkg-deb', '--extract', name, join(draft, 'root'))
    }
    renameSync(join(draft, 'root'), folder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** Where programs of an unpacked folder find their libraries, for LD_LIBRARY_PATH. */
export function libraryFolders(folder: string): string {
  const roots = [join(folder, 'usr', 'lib'), join(folder, 'lib')].filter((root) => existsSync(root))
  const triples = roots.flatMap((root) =>
    readdirSync(root)
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => join(root, name)),
  )
  // PulseAudio's packages name this folder of theirs absolutely.
  const pulse = triples.map((triple) => join(triple, 'pulseaudio')).filter((one) => existsSync(one))
  return [...triples, ...pulse].join(delimiter)
}
