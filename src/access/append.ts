/**
 * Appends groups to the access log. Each names the one that it follows; where another process came first, the
 * database tells where the log ends by now, and the group is sealed anew to follow that. No lock is held
 * while a process works: one that stands still holds up nobody.
 *
 * If the process dies, or its connection breaks
 *  - before the statement's commit: nothing is appended;
 *  - after it: the group is there. Who does not know it appends the same entries again, as the same nth of the
 *    same writer: twice told is no harm, not told is.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { sealBytes } from '../batch/state/seal.ts'
import type { EnvelopeKey } from '../journal/envelope.ts'
import { accessTriesMax } from '../limits.ts'
import { type Head, linkOf, placeOf } from './chain.ts'
import { type Entry, type Writer, writeEntries } from './entry.ts'

export type AppendDependencies = {
  readonly pool: Pick<pg.Pool, 'query'>
  readonly key: EnvelopeKey
}

/** Others were quicker, time after time. */
export class AccessLogBusyError extends Error {
  override name = 'AccessLogBusyError'
}

export type Appended = {
  readonly head: Head
  /** Where the log ends before where it ended: somebody cut it; how it was. */
  readonly cut?: Head
}

/**
 * @param after where the log ended when this process looked last
 * @returns where it ends now; or that it was cut, and nothing was appended
 */
export async function appendGroup(
  { pool, key }: AppendDependencies,
  after: Head,
  writer: Writer,
  entries: readonly Entry[],
): Promise<Appended> {
  const bytes = writeEntries(writer, entries)
  const instants = entries.map(({ at }) => at)
  const [firstAt, lastAt] = [Math.min(...instants), Math.max(...instants)]
  let head = after
  for (let tries = 0; tries < accessTriesMax; tries += 1) {
    if (tries > 1) await pause(Math.random() * 2 ** tries)
    const number = head.number + 1n
    const previous = head.link
    const sealed = sealBytes(key, placeOf(number, previous), bytes)
    const group = { number, previous, firstAt, lastAt, entries: entries.length, sealed }
    const link = linkOf(group)
    const { rows } = await pool.query<{ number: string; link: Buffer }>({
      name: 'append-access-group',
      text: `
        select number, link
        from access.append(
          $1, $2, $3,
          timestamptz 'epoch' + $4::bigint * interval '1 millisecond',
          timestamptz 'epoch' + $5::bigint * interval '1 millisecond',
          $6, $7
        )`,
      values: [number, previous, link, firstAt, lastAt, entries.length, sealed],
    })
    const [last] = rows
    if (last === undefined) return { head: { number, link } }
    const told = { number: BigInt(last.number), link: last.link }
    if (told.number < head.number) return { head: told, cut: head }
    head = told
  }
  throw new AccessLogBusyError('the access log is written by many others')
}
