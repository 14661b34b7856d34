/** All that a database has, as whoever has it reads it. */
import type { TestDatabase } from './database.ts'

/** In one text: each row of each table as text, bytes in hexadecimal. */
export async function everythingIn({ owner }: TestDatabase): Promise<string> {
  const { rows: tables } = await owner.query<{ name: string }>(`
    select format('%I.%I', schemaname, tablename) as name
    from pg_tables
    where schemaname in ('journal', 'ledger', 'batch', 'access', 'bullmq', 'public')`)
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await owner.query<{ text: string }>(`select t::text as text from ${name} t`)
    texts.push(...rows.map(({ text }) => text))
  }
  return texts.join('\n')
}

/** As in a database to which an intake of an earlier version accepts still. */
export async function unsalted<T>({ owner }: TestDatabase, work: () => Promise<T>): Promise<T> {
  await owner.query('delete from journal.salting')
  try {
    return await work()
  } finally {
    await owner.query('insert into journal.salting default values on conflict do nothing')
  }
}
