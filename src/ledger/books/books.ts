/**
 * The books of one day: how many accepted declarations are posted, dead letters or still under way, in
 * declarations and in fen, from the database alone. They balance if nothing is missing and nothing is
 * there twice.
 *
 * Books are signed and linked, so that an auditor can check a month of them: changing one breaks every
 * later one.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { addDays, instantMicros } from '../../declaration/period.ts'
import { sha256 } from '../../journal/digest.ts'
import {
  openCompact,
  type PublicJwk,
  type Signer,
  signCompact,
} from '../../journal/receipts/compact-jws.ts'
import { closeAfterMs, closeWaitEveryMs, closeWaitMsMax } from '../../limits.ts'
import { type Anchor, readAnchor } from './anchor.ts'

export type BooksOfLane = {
  readonly lane: string
  readonly accepted: number
  readonly posted: number
  readonly deadLetters: number
  readonly underWay: number
  /** Accepted less all others: 0, or something is lost. */
  readonly missing: number
  /** Posted more than once, or not where they were accepted: 0. */
  readonly doubled: number
}

export type Books = {
  /** `YYYY-MM-DD` in Asia/Shanghai. */
  readonly day: string
  readonly employer?: string
  readonly lanes: readonly BooksOfLane[]
  /** Of what is posted, in fen. */
  readonly amounts: readonly {
    readonly insurance: string
    readonly employerFen: number
    readonly employeeFen: number
  }[]
  /** Seconds that the oldest of what is under way has waited; absent when nothing is. */
  readonly oldestSeconds?: number
  readonly balanced: boolean
  /** What the journal has of the day, where that was over when the books were signed. */
  readonly journal?: Anchor
}

/**
 * Reads counts and amounts in one statement, and so in one snapshot: a posting that commits meanwhile is in
 * both or in neither. Signing can't use a transaction of one snapshot: that would be older than the lock, and
 * two books could follow the same one.
 * @param employer all of them when undefined
 */
export async function readBooks(
  client: Pick<pg.Client, 'query'>,
  day: string,
  employer: string | undefined,
): Promise<Books> {
  const { rows } = await client.query<{ lanes: LaneRow[]; amounts: Books['amounts'] }>(
    `with lanes as (
       select
         lane,
         count(*) as accepted,
         count(*) filter (where fate = 'posted') as posted,
         count(*) filter (where fate = 'dead letter') as "deadLetters",
         count(*) filter (where fate = 'under way') as "underWay",
         count(*) filter (where fate = 'missing') as missing,
         count(w.id) as doubled,
         extract(epoch from now() - min(accepted_at) filter (where fate = 'under way')) as oldest
       from ledger.fate f
       left join ledger.posted_wrongly(
         timestamptz 'epoch' + $1::bigint * interval '1 microsecond',
         timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
       ) w on w.id = f.id
       where accepted_at >= timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
         and accepted_at < timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
         and ($3::text is null or employer = $3)
       group by lane
     ), amounts as (
       select m.insurance, sum(m.employer_fen) as "employerFen", sum(m.employee_fen) as "employeeFen"
       from journal.acceptance a
       join ledger.amount m on m.envelope = a.envelope and m.position = a.position
       where a.accepted_at >= timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
         and a.accepted_at < timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
         and ($3::text is null or a.employer = $3)
       group by m.insurance
     )
     select
       coalesce((select json_agg(l order by lane) from lanes l), '[]') as lanes,
       coalesce((select json_agg(m order by insurance) from amounts m), '[]') as amounts`,
    [instantMicros(day, '00:00'), instantMicros(addDays(day, 1), '00:00'), employer ?? null],
  )
  const { lanes = [], amounts = [] } = rows[0] ?? {}
  const oldest = lanes.flatMap(({ oldest: seconds }) => seconds ?? [])
  return {
    day,
    ...(employer !== undefined && { employer }),
    lanes: lanes.map(({ oldest: _, ...lane }) => lane),
    amounts,
    ...(oldest.length > 0 && { oldestSeconds: Math.max(...oldest) }),
    balanced: lanes.every(({ missing, doubled }) => missing === 0 && doubled === 0),
  }
}

type LaneRow = BooksOfLane & { readonly oldest: number | null }

const booksType = 'spillway-books+jws'
/** Any number; one process signs at a time. */
const lockKey = 3_905_117_466

/**
 * Signs the books of a day and appends them to those before.
 *
 * If the process dies before the insert, nothing is stored, and the books are made again; after it, they are
 * stored. Two signers wait for each other, so that no two books follow the same one.
 */
export async function signBooks(
  client: Pick<pg.Client, 'query'>,
  signer: Signer,
  day: string,
): Promise<string> {
  await client.query('begin')
  try {
    await client.query('select pg_advisory_xact_lock($1)', [lockKey])
    const isOver = await dayIsOver(client, day)
    const books = await readBooks(client, day, undefined)
    const signed = await append(client, signer, isOver ? await anchored(client, books) : books)
    await client.query('commit')
    return signed
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/**
 * Signs the books of a past day, by the database's clock, once, when nothing of that day is under way. A file
 * received on that day is under way until it is filed, because its declarations count from its receipt. Files
 * of other days do not matter, nor do files that are only checked.
 * @returns undefined when there is nothing to sign yet, or it has been signed
 */
export async function closeDay(
  client: Pick<pg.Client, 'query'>,
  signer: Signer,
  day: string,
): Promise<Books | undefined> {
  await client.query('begin')
  try {
    await client.query('select pg_advisory_xact_lock($1)', [lockKey])
    const { rowCount } = await client.query('select from ledger.books where day = $1', [day])
    const closes = rowCount === 0 && (await dayIsOver(client, day))
    const books = closes ? await readBooks(client, day, undefined) : undefined
    const ready = books?.lanes.every(({ underWay }) => underWay === 0) === true
    if (books !== undefined && ready) await append(client, signer, await anchored(client, books))
    await client.query('commit')
    return ready ? books : undefined
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

async function anchored(client: Pick<pg.Client, 'query'>, books: Books): Promise<Books> {
  return { ...books, journal: await readAnchor(client, books.day) }
}

/** Whether nothing is accepted on a day any more, by the database's clock, nor files that were received on it. */
async function dayIsOver(client: Pick<pg.Client, 'query'>, day: string): Promise<boolean> {
  const { rows } = await client.query(
    `select
       where now() >= timestamptz 'epoch' + ($1::bigint + $2::bigint) * interval '1 microsecond'
         and not exists (
           select
           from batch.batch
           where stage in ('received', 'reading', 'checking', 'filing')
             and mode <> 'check'
             and received_at >= timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
             and received_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
         )`,
    [instantMicros(addDays(day, 1), '00:00'), closeAfterMs * 1_000, instantMicros(day, '00:00')],
  )
  return rows.length > 0 && (await acceptancesEnded(client))
}

/**
 * Whether all acceptances under way have ended and are visible. A commit that waits for its standbys may have
 * begun yesterday, and no time-out ends that wait. Until then nobody sees its acceptances, and it holds its
 * lock. An acceptance that begins meanwhile is too late for a past day.
 */
async function acceptancesEnded(client: Pick<pg.Client, 'query'>): Promise<boolean> {
  const accepting = async () => {
    const { rows } = await client.query<{ transaction: string }>(
      `select virtualtransaction as transaction
       from pg_locks
       where relation = 'journal.acceptance'::regclass and mode = 'RowExclusiveLock'
         and database = (select oid from pg_database where datname = current_database())`,
    )
    return rows.map(({ transaction }) => transaction)
  }
  const begun = new Set(await accepting())
  const until = performance.now() + closeWaitMsMax
  while (performance.now() < until) {
    if (!(await accepting()).some((one) => begun.has(one))) return true
    await pause(closeWaitEveryMs)
  }
  return false
}

async function append(
  client: Pick<pg.Client, 'query'>,
  signer: Signer,
  books: Books,
): Promise<string> {
  const { rows } = await client.query<{ signed: string }>(
    'select signed from ledger.books order by number desc limit 1',
  )
  const previous = rows[0] === undefined ? '' : sha256(rows[0].signed).toString('base64url')
  const signed = signCompact(signer, booksType, JSON.stringify({ ...books, previous }))
  await client.query('insert into ledger.books (day, signed) values ($1, $2)', [books.day, signed])
  return signed
}

/**
 * Signed books from the first to the last of some days, in the order they were signed in, with whatever
 * was signed in between: without it, the chain would have a hole.
 */
export async function findSignedBooks(
  client: Pick<pg.Client, 'query'>,
  from: string,
  to: string,
): Promise<string[]> {
  const { rows } = await client.query<{ signed: string }>(
    `select signed
     from ledger.books
     where number between
       (select min(number) from ledger.books where day between $1 and $2)
       and (select max(number) from ledger.books where day between $1 and $2)
     order by number`,
    [from, to],
  )
  return rows.map(({ signed }) => signed)
}

export type BooksVerdict =
  | { readonly valid: true; readonly books: readonly Books[] }
  | { readonly valid: false; readonly line: number; readonly reason: string }

/** Verifies books offline: every signature, and that each names the one before it. */
export function verifyBooks(signed: readonly string[], keys: readonly PublicJwk[]): BooksVerdict {
  const books: Books[] = []
  for (const [i, text] of signed.entries()) {
    const opened = openCompact(text, booksType, keys)
    if (typeof opened === 'string') return { valid: false, line: i + 1, reason: opened }
    const before = signed[i - 1]
    const { previous, ...content } = opened.payload
    if (before !== undefined && previous !== sha256(before).toString('base64url')) {
      const reason = 'It does not follow the one before it: one is missing, added or changed.'
      return { valid: false, line: i + 1, reason }
    }
    books.push(content as Books)
  }
  return { valid: true, books }
}
