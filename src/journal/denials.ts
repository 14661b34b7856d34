/**
 * The list of tokens and holders that are refused, whatever their token says. It is append-only; the last
 * row for a claim's value counts. An intake process holds it in memory and reads new rows every few seconds.
 *
 * If the list can't be read, the process keeps its last state, logs that, and reports its age as
 * `spillway_access_age_seconds`. A process does not start before it has read the list once. A denial by
 * `jti` is skipped once no token with that id can be valid, whatever TOKEN_SECONDS_MAX says. A denial by `sub` holds
 * for every issuer unless it names one.
 */
import type pg from 'pg'
import { denialsListedMax, denialsOverlapMs, tokenSecondsMost } from '../limits.ts'

export type Denied = {
  readonly claim: 'jti' | 'sub'
  readonly value: string
  /** Whose `sub` it is; empty: whatever the issuer. */
  readonly issuer: string
}

export type DenialAct = Denied & {
  readonly act: 'deny' | 'lift'
  readonly operator: string
  readonly reason: string
}

type Row = Denied & { readonly id: string; readonly act: DenialAct['act']; readonly at: Date }

/** Whom a list of denials refuses. */
export type Holder = {
  readonly issuer: string
  readonly subject: string
  readonly tokenId: string | undefined
}

export class Denials {
  readonly #pool: Pick<pg.Pool, 'query'>
  /** Of a claim's value: the last row, and whether it denies. */
  readonly #last = new Map<string, { readonly id: bigint; readonly denies: boolean }>()
  #newest: Date | undefined

  constructor(pool: Pick<pg.Pool, 'query'>) {
    this.#pool = pool
  }

  denies({ issuer, subject, tokenId = '' }: Holder): boolean {
    if (this.#last.size === 0) return false
    const denied: readonly Denied[] = [
      { claim: 'sub', value: subject, issuer: '' },
      { claim: 'sub', value: subject, issuer },
      { claim: 'jti', value: tokenId, issuer: '' },
    ]
    return denied.some((one) => this.#last.get(keyOf(one))?.denies === true)
  }

  /**
   * Reads on.
   * @returns whether somebody is denied who was not
   */
  async refresh(): Promise<boolean> {
    let more = false
    for (const row of await readSince(this.#pool, this.#newest)) {
      const [key, id] = [keyOf(row), BigInt(row.id)]
      const before = this.#last.get(key)
      if (this.#newest === undefined || row.at > this.#newest) this.#newest = row.at
      if (before !== undefined && before.id >= id) continue
      const denies = row.act === 'deny'
      this.#last.set(key, { id, denies })
      more ||= denies && before?.denies !== true
    }
    return more
  }
}

function keyOf({ claim, value, issuer }: Denied): string {
  return `${claim}\0${issuer}\0${value}` // no claim has a NUL
}

/** A row may be committed after one that is newer: so some that were read are read again. */
async function readSince(
  pool: Pick<pg.Pool, 'query'>,
  newest: Date | undefined,
): Promise<readonly Row[]> {
  const { rows } = await pool.query<Row>({
    name: 'read-denials',
    text: `
      select id, act, claim, value, issuer, at
      from journal.denial
      where at >= coalesce($1::timestamptz - $2 * interval '1 millisecond', '-infinity')
        and (claim = 'sub' or at > now() - $3 * interval '1 second')
      order by id`,
    values: [newest, denialsOverlapMs, tokenSecondsMost + denialsOverlapMs / 1_000],
  })
  return rows
}

/** Denies, or lifts a denial; false where that is so already. */
export async function addDenial(
  client: Pick<pg.ClientBase, 'query'>,
  { act, claim, value, issuer, operator, reason }: DenialAct,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into journal.denial (act, claim, value, operator, reason, issuer)
     select $1, $2, $3, $4, $5, $6
     where $1 is distinct from coalesce((
       select act
       from journal.denial
       where claim = $2 and value = $3 and issuer = $6
       order by id desc
       limit 1
     ), 'lift')`,
    [act, claim, value, operator, reason, issuer],
  )
  return rowCount === 1
}

export type ListedDenial = Omit<DenialAct, 'act'> & { readonly at: Date }

/** Who is denied now, the last first; of this claim's value alone, of whatever issuer, where one is given. */
export async function listDenials(
  client: Pick<pg.ClientBase, 'query'>,
  of?: Pick<Denied, 'claim' | 'value'>,
): Promise<ListedDenial[]> {
  const { rows } = await client.query<ListedDenial>(
    `select claim, value, issuer, operator, reason, at
     from (
       select distinct on (claim, value, issuer) *
       from journal.denial
       where $2::text is null or claim = $2 and value = $3
       order by claim, value, issuer, id desc
     ) last
     where act = 'deny'
     order by at desc
     limit $1`,
    [denialsListedMax, of?.claim, of?.value],
  )
  return rows
}
