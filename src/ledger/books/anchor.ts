/**
 * What the journal has of a day, as one digest, which the signed books of the day carry: the links of all envelopes
 * in which something was accepted on it. Each link is the hash of a signed root over everything in the envelope, so
 * whoever changes, adds or removes one changes the digest, also with the keys to sign all of it anew. Books that lie
 * elsewhere, with a witness, tell.
 */
import type pg from 'pg'
import { addDays, instantMicros } from '../../declaration/period.ts'

export type Anchor = {
  readonly envelopes: number
  /** SHA-256 of the links, by number of envelope; base64. */
  readonly digest: string
}

/** Of a day that is over: nothing is accepted on it any more. */
export async function readAnchor(client: Pick<pg.Client, 'query'>, day: string): Promise<Anchor> {
  const { rows } = await client.query<Anchor>(
    `select
       count(*)::int as envelopes,
       encode(sha256(coalesce(string_agg(link, ''::bytea order by number), '')), 'base64') as digest
     from journal.envelope
     where number in (
       select envelope
       from journal.acceptance
       where accepted_at >= timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
         and accepted_at < timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
     )`,
    [instantMicros(day, '00:00'), instantMicros(addDays(day, 1), '00:00')],
  )
  return rows[0] as Anchor
}

/** What a witness holds of a day, and what the journal has of it now. */
export type Witnessed = { readonly day: string; readonly then: Anchor; readonly now: Anchor }

/** Compares books of a witness, of which some may have been signed before days had digests. */
export async function* compareAnchors(
  client: Pick<pg.Client, 'query'>,
  books: readonly { readonly day: string; readonly journal?: Anchor }[],
): AsyncGenerator<Witnessed> {
  for (const { day, journal: then } of books)
    if (then !== undefined) yield { day, then, now: await readAnchor(client, day) }
}

export function isSame({ then, now }: Witnessed): boolean {
  return then.digest === now.digest && then.envelopes === now.envelopes
}
