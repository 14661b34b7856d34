/** A process, its database and its keys are all of a rehearsal, or none of them is. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { rehearsalKidPrefix } from '../../src/journal/rehearsal-keys.ts'
import { readConfig } from '../../src/platform/config/config.ts'
import { createKeyring } from '../../src/platform/config/keyring.ts'
import { readPurpose, readRehearsalConfig } from '../../src/platform/config/rehearsal.ts'
import { withDatabase } from '../../src/platform/installation/database.ts'
import { openInstallation } from '../../src/platform/installation/installation.ts'
import {
  createRehearsalDatabase,
  removeRehearsal,
} from '../../src/platform/installation/rehearsal-database.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { startProcess } from '../support/engine.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'spillway-apart-'))
const keyringFile = path.join(folder, 'rehearsal-keyring.json')
let live: TestDatabase
let rehearsal: TestDatabase
let empty: TestDatabase
beforeAll(async () => {
  createKeyring(keyringFile, new Date(), rehearsalKidPrefix)
  ;[live, rehearsal, empty] = await Promise.all([
    createDatabase(),
    createDatabase(),
    createDatabase('template1'),
  ])
  // As one whose making ended after its migrations.
  await rehearsal.owner.query('create table public.spillway_rehearsal (made_at timestamptz)')
  await createRehearsalDatabase(rehearsal.ownerUrl)
})
afterAll(async () => {
  await Promise.all([live?.drop(), rehearsal?.drop(), empty?.drop()])
  rmSync(folder, { recursive: true, force: true })
})

const liveEnv = (url: string) => ({ DATABASE_URL: url, KEYRING_FILE: inject('keyringFile') })
const rehearsalEnv = (url: string) => ({
  ENVIRONMENT: 'rehearsal',
  DATABASE_URL: url,
  KEYRING_FILE: keyringFile,
})
const open = (env: Record<string, string>) => openInstallation(readConfig(env), 'intake')

test('ENVIRONMENT says whether it is a rehearsal, and nothing else may look like one', () => {
  const settings = (env: Record<string, string>) => {
    const { isRehearsal, port, queueNamespace, keyringFile: file, token } = readConfig(env)
    return { isRehearsal, port, queueNamespace, file: path.basename(file), jwks: token.jwksUrl }
  }
  const JWKS_URL = 'http://127.0.0.1:1/'
  const [live, other] = [
    { isRehearsal: false, port: 8080, file: 'keyring.json', jwks: JWKS_URL },
    { isRehearsal: true, port: 8081, file: 'rehearsal-keyring.json', jwks: undefined },
  ]
  expect(settings({ JWKS_URL })).toEqual({ ...live, queueNamespace: 'development' })
  for (const ENVIRONMENT of ['rehearsal', 'rehearsal-city'])
    expect(settings({ JWKS_URL, ENVIRONMENT })).toEqual({ ...other, queueNamespace: ENVIRONMENT })
  for (const ENVIRONMENT of ['Rehearsal', 'rehearsal:city', 'pre-rehearsal', 'rehearsals'])
    expect(() => readConfig({ ENVIRONMENT })).toThrow(/must be rehearsal or like rehearsal-city/)
})

test('commands of rehearsals are of no other environment', () => {
  expect(readRehearsalConfig({}).environment).toBe('rehearsal')
  expect(readRehearsalConfig({ ENVIRONMENT: 'rehearsal-city' }).isRehearsal).toBe(true)
  expect(() => readRehearsalConfig({ ENVIRONMENT: 'production' })).toThrow(
    /ENVIRONMENT is "production".*ENVIRONMENT=rehearsal/,
  )
})

test('what belongs together starts', async () => {
  expect((await open(liveEnv(live.url))).url).toBe(live.url)
  expect((await open(rehearsalEnv(rehearsal.url))).url).toBe(rehearsal.url)
})

test('a database that is not of the environment starts nothing, and the next step is told', async () => {
  const missing = new URL(rehearsal.url)
  missing.pathname = '/rehearsal_not_made'
  for (const [env, why] of [
    [liveEnv(rehearsal.url), /names the database of a rehearsal.*set ENVIRONMENT=rehearsal/],
    [rehearsalEnv(live.url), /holds something else.*Set DATABASE_URL/],
    [rehearsalEnv(empty.url), /no rehearsal in the database: "npm run rehearsal -- create"/],
    [rehearsalEnv(missing.href), /no rehearsal in the database: "npm run rehearsal -- create"/],
  ] as const) {
    await expect(open(env)).rejects.toThrow(why)
    await expect(withDatabase(readConfig(env), async () => {})).rejects.toThrow(why)
  }
})

test('keys that are not of the environment start nothing, and the next step is told', async () => {
  const copied = path.join(folder, 'copied.json')
  cpSync(inject('keyringFile'), copied)
  const rehearses = rehearsalEnv(rehearsal.url)
  const missing = { ...rehearses, KEYRING_FILE: path.join(folder, 'none.json') }
  await expect(open({ ...rehearses, KEYRING_FILE: copied })).rejects.toThrow(
    /not a rehearsal's own: set KEYRING_FILE to a new file/,
  )
  await expect(open(missing)).rejects.toThrow(/no keys of rehearsals at .*none\.json/)
  await expect(open({ ...liveEnv(live.url), KEYRING_FILE: keyringFile })).rejects.toThrow(
    /has the keys of a rehearsal.*ENVIRONMENT=rehearsal/,
  )
})

test('no process starts in the database of the other', async () => {
  const kinds = ['intake', 'worker'] as const
  const started = kinds.map((kind) =>
    expect(startProcess(kind, rehearsalEnv(live.url))).rejects.toThrow(/holds something else/),
  )
  await Promise.all(started)
})

test('the journals refuse each other’s envelopes', async () => {
  const insert = (environment: string) => `
    insert into journal.envelope (number, lane, environment, declarations, sealed, leaves,
      signed_root, writer, writer_position, previous_link, link)
    values (nextval('journal.envelope_number'), 'filing', '${environment}', 1, '', sha256(''), '',
      gen_random_uuid(), 1, sha256(''), sha256(''))`
  const refusal = { code: '23514' }
  await expect(rehearsal.owner.query(insert('production'))).rejects.toMatchObject({
    ...refusal,
    constraint: 'envelope_is_rehearsed',
  })
  await expect(live.owner.query(insert('rehearsal'))).rejects.toMatchObject({
    ...refusal,
    constraint: 'envelope_is_live',
  })
})

test('the live database is never made a rehearsal’s, or removed', async () => {
  const tables = async () => {
    const { rows } = await live.owner.query(
      "select relnamespace::regnamespace::text, relname from pg_class where relkind = 'r' order by 1, 2",
    )
    return rows
  }
  const before = await tables()
  await expect(createRehearsalDatabase(live.ownerUrl)).rejects.toThrow(/holds something else/)
  await expect(removeRehearsal(live.ownerUrl)).rejects.toThrow(/holds something else/)
  expect(await tables()).toEqual(before)
})

test('it is removed once its processes have left, and leaves an empty database', async () => {
  const running = new pg.Client({
    connectionString: rehearsal.url,
    application_name: 'spillway-accept',
  })
  await running.connect()
  await expect(removeRehearsal(rehearsal.ownerUrl)).rejects.toThrow(
    /still run \(spillway-accept\): stop them/,
  )
  expect(await readPurpose(rehearsal.owner)).toBe('rehearsal')
  await running.end()
  expect(await removeRehearsal(rehearsal.ownerUrl)).toBe(true)
  expect(await readPurpose(rehearsal.owner)).toBe('empty')
  expect(await removeRehearsal(rehearsal.ownerUrl)).toBe(false)
  const { rows } = await rehearsal.owner.query(
    `select nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')`,
  )
  expect(rows).toEqual([])
  // And it is made again where it was.
  await createRehearsalDatabase(rehearsal.ownerUrl)
  expect(await readPurpose(rehearsal.owner)).toBe('rehearsal')
})
