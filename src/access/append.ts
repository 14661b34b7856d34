/**
 * Appends groups to the access log. Each group names the one before it. If another process came first,
 * the database returns where the log ends now, and the group is sealed again to follow that. No lock is
 * held while a process works, so a stopped process holds up nobody.
 *
 * If the process dies or its connection breaks
 *  - before the statement's commit: nothing is appended;
 *  - after it: the group is in the log. A writer that doesn't know appends the same entries again with
 *    the same number: a repeated entry does no harm, a missing one would.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { sealBytes } from '../batch/state/seal.ts'
import type { EnvelopeKey } from '../journal/envelope.ts'
import { accessTriesMax } from '../limits.ts'
import { bindingOf, type ChainHead, linkOf } from './chain.ts'
import { type Entry, type Writer, writeEntries } from './entry.ts'

export type AppendDependencies = {
  readonly pool: Pick<pg.Pool, 'query'>
  readonly key: EnvelopeKey
}

/** Other processes were faster, time after time. */
export class AccessLogBusyError extends Error {
  override name = 'AccessLogBusyError'
}

export type Appended = {
  readonly head: ChainHead
  /** The previous end, if the log now ends before it: somebody cut the log. */
  readonly cut?: ChainHead
}

/**
 * @param after where the log ended when this process looked last
 * @returns where the log ends now; or that it was cut, and nothing was appended
 */
export async function appendGroup(
  { pool, key }: AppendDependencies,
  after: ChainHead,
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
    const sealed = sealBytes(key, bindingOf(number, previous), bytes)
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
    const end = { number: BigInt(last.number), link: last.link }
    if (end.number < head.number) return { head: end, cut: head }
    head = end
  }
  throw new AccessLogBusyError('the access log is written by many others')
}
