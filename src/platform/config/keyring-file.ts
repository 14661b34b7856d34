/**
 * The file of the engine's keys: whole, or the part of it that one kind of process opens. It opens what was
 * filed, so it is refused where others than its owner can read it; it is written whole or not at all, and by one
 * command at a time.
 *
 * If a command dies that changes it: before the rename, the old file is there, and after it the new one. Its
 * lock stays in both cases; the next command says how to take it away.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { keyringLockMsMax, keyringLockPauseMs } from '../../limits.ts'
import { UsageError } from '../command/failure.ts'
import { parseJson, textOf } from '../command/text-file.ts'

export class KeyringError extends Error {
  override name = 'KeyringError'
}

export type StoredKey = { kid: string; createdAt: string; secret: string; retiredAt?: string }
export type StoredKeyring = {
  version: 1
  kidPrefix?: string
  receipt: StoredKey[]
  token: StoredKey[]
  /** Of tokens; kept to tell what became of them. An earlier program does not look here, either. */
  retiredToken?: StoredKey[]
  sealing: StoredKey[]
  session?: StoredKey[]
  retiredSession?: StoredKey[]
  blindIndex: string
  /** Password of the embedded Postgres's owner; unused with a database of your own. */
  embeddedPostgresPassword: string
  /** Of a file with the keys of one kind of process alone (key-store.ts): which kind. */
  part?: string
  /** In a part, for who salts and finds no persons: what salts are made of, which tells nothing of `blindIndex`. */
  salting?: string
}

export function readStored(file: string): StoredKeyring {
  let bytes: Buffer
  try {
    bytes = readPrivately(file)
  } catch (error) {
    if (error instanceof KeyringError) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw new KeyringError(`The keyring at ${file} can't be read (${code}).`)
    throw new KeyringError(
      `No keyring at ${file}. Where the engine runs with another DATA_DIR or KEYRING_FILE, set the same here; else restore it from your backup, or for a new engine make one with "npm run keyring -- create".`,
    )
  }
  try {
    const stored = parseJson(textOf(bytes, file), file) as StoredKeyring
    const isWhole = stored.receipt.length > 0 && stored.sealing.length > 0
    if (stored.version === 1 && (isWhole || stored.part !== undefined)) return stored
  } catch (error) {
    if (error instanceof UsageError) throw new KeyringError(error.message)
    // fall through: the parser's message would quote the file
  }
  throw new KeyringError(`The keyring at ${file} is damaged: restore it from your backup.`)
}

/**
 * @throws KeyringError where others than the owner of the file can read or write it; a reader who is not its
 * owner has it by its group, as orchestrators give out what root owns
 */
function readPrivately(file: string): Buffer {
  const descriptor = openSync(file, 'r')
  try {
    const { mode, uid } = fstatSync(descriptor)
    const isGivenOut = uid === 0 && process.getuid?.() !== 0
    if ((mode & (isGivenOut ? 0o037 : 0o077)) === 0) return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  throw new KeyringError(
    `The keyring at ${file} can be read by others than its owner, and it opens everything that was filed: "chmod 600 ${file}", and retire its keys if somebody may have read it.`,
  )
}

/**
 * Changes the keys: one command at a time, as of two that read the same file, the second would undo what the
 * first did.
 * @throws KeyringError where another command holds the lock for long, or the file is a part
 */
export function changeStored<T>(file: string, change: (stored: StoredKeyring) => T): T {
  const lock = takeLock(file)
  try {
    const stored = readStored(file)
    if (stored.part !== undefined)
      throw new KeyringError(
        `${file} has the keys of one kind of process alone (${stored.part}): change the whole keyring, and make its parts anew with "npm run keyring -- part".`,
      )
    const changed = change(stored)
    writePrivately(file, stored, 'replace')
    return changed
  } finally {
    unlinkSync(lock)
  }
}

/** @returns the file that is the lock, for who takes it to remove */
function takeLock(file: string): string {
  const lock = `${file}.lock`
  const until = Date.now() + keyringLockMsMax
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx', 0o600))
      return lock
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') readStored(file) // says that there is none
      if (code !== 'EEXIST') throw new KeyringError(`${file} can't be changed (${code}).`)
    }
    if (Date.now() > until)
      throw new KeyringError(
        `Another command changes ${file}; nothing was changed. Run it again; where no other runs, one died: remove ${lock} first.`,
      )
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, keyringLockPauseMs)
  }
}

/** Who could read the old file reads the new one, whoever writes it. */
function keepAccess(file: string, descriptor: number): void {
  const { uid, gid, mode } = statSync(file)
  fchownSync(descriptor, uid, gid)
  fchmodSync(descriptor, mode & 0o777)
}

/**
 * Writes a whole file or nothing: temporary file, fsync, then link (fails if it exists) or rename,
 * then fsync of the folder. A death after any line leaves the old file, or none, or the new one.
 */
export function writePrivately(
  file: string,
  stored: StoredKeyring,
  mode: 'create' | 'replace',
): void {
  const temporary = `${file}.${process.pid}.tmp`
  const descriptor = openSync(temporary, 'w', 0o600)
  if (mode === 'replace') keepAccess(file, descriptor)
  writeSync(descriptor, `${JSON.stringify(stored, null, 2)}\n`)
  fsyncSync(descriptor)
  closeSync(descriptor)
  try {
    if (mode === 'replace') renameSync(temporary, file)
    else linkSync(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new KeyringError(`There is a keyring at ${file} already; it was left as it is.`)
  } finally {
    if (mode === 'create') unlinkSync(temporary)
  }
  const folder = openSync(path.dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
