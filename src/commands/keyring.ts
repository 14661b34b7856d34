/**
 * `npm run keyring -- create|rotate|list|retire KID|part KIND FILE`: creates the engine's keys in
 * KEYRING_FILE, adds new ones before them, lists them, retires one, or makes a file for one kind of process, with
 * the keys alone that it uses. Restart processes after a rotation. A retired token key stops without a restart.
 */
import { rehearsalKidPrefix } from '../journal/rehearsal-keys.ts'
import { tokenKeysLookMs } from '../limits.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure } from '../platform/command/failure.ts'
import { say } from '../platform/command/output.ts'
import { readConfig } from '../platform/config/config.ts'
import { type KeyHolder, usesOf } from '../platform/config/key-store.ts'
import {
  createKeyring,
  type KeyKind,
  listKeys,
  makePart,
  retireKey,
  rotateKeyring,
} from '../platform/config/keyring.ts'

const usage = helpText(
  'Usage: npm run keyring -- create|rotate|list|retire KID|part KIND FILE (the keyring is KEYRING_FILE)\n' +
    'retire: intake refuses the tokens of a retired token key, and the portal the sessions of a retired session key. A retired receipt or\n' +
    'sealing key signs and seals no more, but still verifies and opens.\n' +
    `part: makes FILE, with the keys alone that processes of a kind use: ${Object.keys(usesOf).join(', ')}.`,
  {
    create: 'make a new file of keys',
    rotate: 'add new keys, used from the next restart',
    list: 'print the keys and what they are for',
    'retire KID': 'stop using a key',
    'part KIND FILE': 'make a file for one kind of process',
  },
  'npm run keyring -- rotate',
)

const whatStops: Readonly<Record<KeyKind, string>> = {
  token: `Its tokens are refused within ${tokenKeysLookMs / 1_000} s by every process that has this file; copy it where others are.`,
  receipt: 'What it signed still verifies. Restart all processes: until then they sign with it.',
  session: `Sessions of the portal that it sealed end within ${tokenKeysLookMs / 1_000} s in every process that has this file; copy it where others are.`,
  sealing: 'What it sealed still opens. Restart all processes: until then they seal with it.',
}

async function main(args: string[]): Promise<void> {
  const { positionals } = parseArguments({ args, allowPositionals: true }, usage)
  const [verb, kid, ...more] = positionals
  if (verb === 'retire' && (kid === undefined || more.length > 0))
    throw wrongUse('retire takes one KID.', usage)
  const { keyringFile, isRehearsal } = readConfig(process.env)
  if (verb === 'part') return part(keyringFile, positionals.slice(1))
  if (verb !== 'retire' && kid !== undefined)
    throw wrongUse(`There is no ${positionals.join(' ')}.`, usage)
  switch (verb) {
    case 'create':
      createKeyring(keyringFile, new Date(), isRehearsal ? rehearsalKidPrefix : '')
      return say(`Made ${keyringFile}. Keep a copy of it.`)
    case 'rotate':
      rotateKeyring(keyringFile, new Date())
      say(`Rotated ${keyringFile}. Keep a copy of it.`)
      return say(
        `Copy it, or its parts, to workers and batch workers first: they open what the new keys seal ${tokenKeysLookMs / 1_000} s later, without a restart. Then to intakes, and restart all: from then on the new keys sign and seal.`,
      )
    case 'list':
      for (const key of listKeys(keyringFile))
        say(`${key.kid}  ${key.kind.padEnd(7)}  since ${key.createdAt}  ${key.does}`)
      return
    case 'retire':
      return retire(keyringFile, kid as string)
    default:
      throw wrongUse(verb === undefined ? 'A command is missing.' : `There is no ${verb}.`, usage)
  }
}

function part(keyringFile: string, [kind = '', file, ...more]: readonly string[]): void {
  if (!isKind(kind) || file === undefined || more.length > 0)
    throw wrongUse(`part takes a kind (${Object.keys(usesOf).join(', ')}) and a file.`, usage)
  makePart(keyringFile, kind, file)
  say(
    `Made ${file}, with the keys that a ${kind} uses: name it in KEYRING_FILE of these, let them read no other, and make it anew after each rotation.`,
  )
}

function isKind(kind: string): kind is KeyHolder {
  return Object.hasOwn(usesOf, kind)
}

function retire(file: string, kid: string): void {
  const { kind, successor } = retireKey(file, kid, new Date())
  const after = successor === undefined ? '' : ` ${successor} takes its place.`
  say(`Retired the ${kind} key ${kid}.${after} ${whatStops[kind]} Keep a copy of ${file}.`)
}

main(process.argv.slice(2)).catch(reportFailure)
