/**
 * One engine on a DATA_DIR at a time. The lock names its holder; a dead holder's lock is void.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isAlive, type ProcessIdentity, startTimeOf } from './process-identity.ts'

export type EngineHolder = ProcessIdentity & { readonly port: number }

export class EngineLockError extends Error {
  override name = 'EngineLockError'
}

/**
 * Takes the lock of a DATA_DIR, which is made if it is missing.
 * @throws EngineLockError naming the holder
 */
export function acquireEngineLock(
  dataDir: string,
  { port }: { readonly port: number },
): { release(): void } {
  const file = lockFile(dataDir)
  const mine: EngineHolder = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '', port }
  const draft = `${file}.${process.pid}`
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o711 })
    writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 })
  } catch (error) {
    throw unusable(dataDir, error as NodeJS.ErrnoException)
  }
  try {
    for (let attempt = 0; ; attempt += 1) {
      const holder = readEngineLock(dataDir)
      if (holder !== undefined || attempt > 3) throw heldBy(dataDir, holder)
      clearDeadLock(file)
      if (linkTo(draft, file)) break
    }
  } finally {
    rmSync(draft, { force: true })
  }
  return {
    release: () => {
      if (readEngineLock(dataDir)?.pid === process.pid) rmSync(file, { force: true })
    },
  }
}

/** The living holder of a DATA_DIR's lock. */
export function readEngineLock(dataDir: string): EngineHolder | undefined {
  return livingHolder(lockFile(dataDir))
}

function livingHolder(file: string): EngineHolder | undefined {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as EngineHolder
    return isAlive(holder) ? holder : undefined
  } catch {
    return undefined
  }
}

function lockFile(dataDir: string): string {
  return path.join(dataDir, 'engine.json')
}

function unusable(dataDir: string, { code }: NodeJS.ErrnoException): EngineLockError {
  const why =
    code === 'EEXIST' || code === 'ENOTDIR'
      ? 'is a file, or lies in one'
      : `can't be written (${code})`
  return new EngineLockError(`DATA_DIR ${dataDir} ${why}: set it to a folder that is yours.`)
}

function heldBy(dataDir: string, holder: EngineHolder | undefined): EngineLockError {
  const who = holder === undefined ? '' : ` (process ${holder.pid}, port ${holder.port})`
  return new EngineLockError(
    `An engine runs on ${dataDir} already${who}. Stop it, or set DATA_DIR and PORT to others.`,
  )
}

/** Moves a dead holder's lock away. If another took it just before, it goes back to its place. */
function clearDeadLock(file: string): void {
  const grave = `${file}.${process.pid}.dead`
  try {
    renameSync(file, grave)
    if (livingHolder(grave) !== undefined) linkTo(grave, file)
    rmSync(grave)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function linkTo(draft: string, file: string): boolean {
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
