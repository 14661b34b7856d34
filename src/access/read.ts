/**
 * Reads the access log group by group in the order of its chain, and finds what differs from what was
 * written.
 */
import type pg from 'pg'
import { openBytes } from '../batch/state/seal.ts'
import type { EnvelopeKey } from '../journal/envelope.ts'
import { accessGroupBytesMax, accessGroupsPage } from '../limits.ts'
import { bindingOf, type ChainHead, chainStart, type Group, linkOf } from './chain.ts'
import { type Entry, readEntries } from './entry.ts'

export type ReadDependencies = {
  readonly pool: Pick<pg.Pool, 'query'>
  readonly keys: readonly EnvelopeKey[]
}

type Row = {
  number: string
  previous_link: Buffer
  link: Buffer
  first_at: string
  last_at: string
  entries: number
  sealed: Buffer
}

type StoredGroup = Group & { readonly link: Buffer }

/** Milliseconds since 1970; selects groups that have entries in it. */
export type TimeSpan = { readonly fromMs: number; readonly untilMs: number }
const always: TimeSpan = { fromMs: Number.MIN_SAFE_INTEGER, untilMs: Number.MAX_SAFE_INTEGER }

/** By number, a page at a time. */
async function* readGroups(
  { pool }: ReadDependencies,
  after: bigint,
  { fromMs, untilMs }: TimeSpan = always,
): AsyncGenerator<StoredGroup> {
  for (let last = after; ; ) {
    const { rows } = await pool.query<Row>({
      name: 'read-access-groups',
      text: `
        select number, previous_link, link, entries, sealed,
          (extract(epoch from first_at) * 1000)::bigint as first_at,
          (extract(epoch from last_at) * 1000)::bigint as last_at
        from access.log
        where number > $1 and last_at >= to_timestamp($2::float8 / 1000)
          and first_at < to_timestamp($3::float8 / 1000)
        order by number
        limit $4`,
      values: [last, Math.max(fromMs, 0), Math.min(untilMs, 253_370_764_800_000), accessGroupsPage],
    })
    for (const { number, previous_link: previous, link, ...row } of rows) {
      last = BigInt(number)
      yield {
        ...{ number: last, previous, link, entries: row.entries, sealed: row.sealed },
        firstAt: Number(row.first_at),
        lastAt: Number(row.last_at),
      }
    }
    if (rows.length < accessGroupsPage) return
  }
}

/** @throws SealedBytesError if it is not what was sealed there */
function open({ keys }: ReadDependencies, { number, previous, sealed }: StoredGroup): Entry[] {
  return readEntries(openBytes(keys, bindingOf(number, previous), sealed, accessGroupBytesMax))
    .entries
}

/** Entries of a time span in the order in which they were written, with their group's number. */
export async function* readAccessLog(
  dependencies: ReadDependencies,
  { fromMs, untilMs }: TimeSpan,
): AsyncGenerator<Entry & { readonly group: string }> {
  for await (const group of readGroups(dependencies, 0n, { fromMs, untilMs }))
    for (const entry of open(dependencies, group))
      if (entry.at >= fromMs && entry.at < untilMs) yield { ...entry, group: `${group.number}` }
}

/** The end of the log, by its last row alone. */
export async function findHead(pool: Pick<pg.Pool, 'query'>): Promise<ChainHead> {
  const { rows } = await pool.query<{ number: string; link: Buffer }>(
    'select number, link from access.log order by number desc limit 1',
  )
  const [last] = rows
  return last === undefined ? chainStart : { number: BigInt(last.number), link: last.link }
}

export type ChainFault = { readonly group: bigint; readonly why: string }

export type ChainResult = {
  readonly groups: number
  readonly entries: number
  /** The end of the log. */
  readonly head: ChainHead
}

export type WitnessedHeads = {
  /** The log may begin after this head: earlier groups were archived. */
  readonly after?: ChainHead | undefined
  /** The witness's head: the log must contain it unchanged. */
  readonly head?: ChainHead | undefined
}

/** Goes through the full log and calls `onFault` with each fault. */
export async function verifyAccessLog(
  dependencies: ReadDependencies,
  { after = chainStart, head: witnessed }: WitnessedHeads,
  onFault: (fault: ChainFault) => void,
): Promise<ChainResult> {
  const counts = { groups: 0, entries: 0 }
  let head = after
  let met = witnessed === undefined || isSame(witnessed, head)
  for await (const group of readGroups(dependencies, after.number)) {
    for (const why of faultsOf(dependencies, head, group)) onFault({ group: group.number, why })
    counts.groups += 1
    counts.entries += group.entries
    head = { number: group.number, link: group.link }
    met ||= witnessed !== undefined && isSame(witnessed, head)
  }
  if (!met && witnessed !== undefined)
    onFault({ group: witnessed.number, why: 'the head that a witness has is not in the log' })
  return { ...counts, head }
}

function isSame(one: ChainHead, other: ChainHead): boolean {
  return one.number === other.number && one.link.equals(other.link)
}

function faultsOf(dependencies: ReadDependencies, before: ChainHead, group: StoredGroup): string[] {
  const { number, previous, link, firstAt, lastAt, entries } = group
  const missing = number - before.number - 1n
  const faults: string[] = []
  if (missing > 0n) faults.push(`${missing} groups before it are missing`)
  else if (!previous.equals(before.link)) faults.push('it does not follow the one before')
  if (!linkOf(group).equals(link)) faults.push('its link is of something else')
  try {
    const opened = open(dependencies, group)
    const instants = opened.map(({ at }) => at)
    const matchesRow =
      opened.length === entries &&
      Math.min(...instants) === firstAt &&
      Math.max(...instants) === lastAt
    if (!matchesRow) faults.push('it has other entries than its row says')
  } catch (error) {
    faults.push((error as Error).message)
  }
  return faults
}
