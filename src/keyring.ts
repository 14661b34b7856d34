/**
 * `npm run keyring -- create|rotate`: makes the engine's keys in KEYRING_FILE, or adds new ones
 * before them. Give every process the same file; restart them after a rotation.
 */
import { readConfig } from './platform/config.ts'
import { reportFailure, UsageError } from './platform/failure.ts'
import { createKeyring, rotateKeyring } from './platform/keyring.ts'

async function main([verb]: readonly string[]): Promise<void> {
  const { keyringFile } = readConfig(process.env)
  if (verb === 'create') createKeyring(keyringFile, new Date())
  else if (verb === 'rotate') rotateKeyring(keyringFile, new Date())
  else throw new UsageError('Usage: npm run keyring -- create|rotate (the file is KEYRING_FILE)')
  process.stdout.write(
    `${verb === 'create' ? 'Made' : 'Rotated'} ${keyringFile}. Keep a copy of it.\n`,
  )
}

main(process.argv.slice(2)).catch(reportFailure)
