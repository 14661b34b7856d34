/**
 * The logins of the embedded Postgres: one for each kind of process, with the rights of its role and no
 * others. The owner, who may do everything, migrates; no process that runs has its URL. Passwords follow
 * from the owner's, so that the keyring keeps one.
 */
import { hkdfSync } from 'node:crypto'
import pg from 'pg'
import { applicationRole, operatingRole, postingRole, type Role, readingRole } from './postgres.ts'

/** What connects; commands of an operator have no process that runs. */
export type LoginKind = 'intake' | 'worker' | 'batch-worker' | 'operator'

type Login = { readonly name: string; readonly roles: readonly Role[] }

const logins: Readonly<Record<LoginKind, Login>> = {
  intake: { name: 'spillway_intake', roles: [applicationRole, readingRole] },
  worker: { name: 'spillway_worker', roles: [postingRole] },
  'batch-worker': { name: 'spillway_batch_worker', roles: [applicationRole] },
  operator: { name: 'spillway_operator', roles: [operatingRole, readingRole] },
}

export const loginKinds = Object.keys(logins) as LoginKind[]

/** The URL of the same database for a login. */
export function loginUrl(ownerUrl: string, kind: LoginKind): string {
  const url = new URL(ownerUrl)
  const { name } = logins[kind]
  url.password = passwordOf(decodeURIComponent(url.password), name)
  url.username = name
  return url.href
}

function passwordOf(ownerPassword: string, name: string): string {
  const bytes = hkdfSync('sha256', ownerPassword, '', `spillway login ${name}`, 24)
  return Buffer.from(bytes).toString('base64url')
}

/**
 * Makes what is missing of the logins and their roles, in one transaction; the rights of the roles are given
 * by migrations. One process at a time: whoever calls this holds the engine's lock.
 */
export async function makeLogins(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'spillway-logins' })
  await client.connect()
  try {
    await client.query('begin')
    for (const role of [applicationRole, postingRole, readingRole, operatingRole])
      await makeRole(client, role, 'nologin')
    await client.query(`grant ${applicationRole} to ${postingRole}`)
    await client.query(`grant ${postingRole} to ${operatingRole}`)
    for (const kind of loginKinds) {
      const { name, roles } = logins[kind]
      const { password } = new URL(loginUrl(ownerUrl, kind))
      await makeRole(client, name, 'login')
      await client.query(`alter role ${name} password '${password}'`)
      await client.query(`grant ${roles.join(', ')} to ${name}`)
    }
    await client.query('commit')
  } finally {
    await client.end()
  }
}

async function makeRole(client: pg.Client, name: string, login: 'login' | 'nologin') {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [name])
  if (rowCount === 0) await client.query(`create role ${name} ${login}`)
}
