/** Who runs a command on a host of the installation, as it is kept with what the command does. */
import { userInfo } from 'node:os'
import type pg from 'pg'
import type { FiledByCommand } from '../../journal/attribution.ts'

/** The login is that of the connection, whatever role it acts as. */
export async function operatorOf(
  pool: Pick<pg.Pool, 'query'>,
  command: string,
): Promise<FiledByCommand> {
  const { rows } = await pool.query<{ login: string }>('select session_user::text as login')
  return { command, login: rows[0]?.login ?? '', osUser: osUser() }
}

/** By name; by number where the system has no name for it, as in some containers. */
export function osUser(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.()}`
  }
}
