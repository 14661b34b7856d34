/**
 * The public keys that whatever the engine signed is verified with: of a saved /.well-known/jwks.json,
 * so that whoever has a receipt needs nothing of the engine, or of its own keyring.
 */
import { existsSync } from 'node:fs'
import { UsageError } from '../command/failure.ts'
import { readSavedJson } from '../command/saved-json.ts'
import { openKeys, type PublicJwk } from './key-store.ts'

/**
 * @param jwks a file; undefined: those of the keyring
 * @throws UsageError that tells where public keys come from, where there is no keyring to read
 */
export function readReceiptKeys(
  keyringFile: string,
  jwks: string | undefined,
): readonly PublicJwk[] {
  if (jwks !== undefined) return readJwks(jwks)
  try {
    return openKeys(keyringFile, [], 'Who verifies').receiptPublicKeys
  } catch (error) {
    const isDenied = (error as NodeJS.ErrnoException).code === 'EACCES'
    if (existsSync(keyringFile) && !isDenied) throw error
    throw new UsageError(
      `No keyring can be read at ${keyringFile}. Public keys are enough to verify: save /.well-known/jwks.json of the intake, and name that file with --jwks FILE.`,
    )
  }
}

function readJwks(file: string): readonly PublicJwk[] {
  const { keys } = readSavedJson(file) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new UsageError(`${file} is not a JWKS: it needs "keys".`)
  return keys as PublicJwk[]
}
