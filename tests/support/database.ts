/** A database of a test's own, made from the migrated template. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { loginUrl } from '../../src/platform/postgres/embedded-logins.ts'
import { templateDatabase } from './template.ts'
import { waitFor } from './wait.ts'

/** SQLSTATE. */
const objectInUse = '55006'

export type TestDatabase = {
  readonly name: string
  /** The owner's. */
  readonly ownerUrl: string
  /** For pools and commands: a login that may do no more than the roles of processes. */
  readonly url: string
  /** Connections of the schema's owner: sees and may do everything. */
  readonly owner: pg.Pool
  drop(): Promise<void>
}

/** @param template a database to copy, to which nothing is connected; the migrated one if absent */
export async function createDatabase(template = templateDatabase): Promise<TestDatabase> {
  const url = new URL(inject('postgresUrl'))
  const name = `test_${randomBytes(6).toString('hex')}`
  const admin = new pg.Pool({ connectionString: url.href, max: 1 })
  // Connections of a pool that has ended may need a moment to be gone from the database that is copied.
  await waitFor(`${template} to be left alone`, () =>
    admin.query(`create database ${name} template ${template}`).catch((error: pg.DatabaseError) => {
      if (error.code !== objectInUse) throw error
      return undefined
    }),
  )
  url.pathname = `/${name}`
  const owner = new pg.Pool({ connectionString: url.href, max: 4 })
  owner.on('error', () => {})
  return {
    name,
    url: loginUrl(url.href, 'operator'),
    ownerUrl: url.href,
    owner,
    drop: async () => {
      await owner.end()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}
