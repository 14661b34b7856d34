/**
 * The books of a day in detail: one row for each employer or envelope, to find where something is missing.
 * Rows are streamed, however many there are.
 */
import type pg from 'pg'
import { addDays, instantMicros } from '../../declaration/period.ts'

export type BooksPart = {
  /** The employer's code, or the envelope's number. */
  readonly of: string
  readonly accepted: number
  readonly posted: number
  readonly deadLetters: number
  readonly underWay: number
  readonly missing: number
  readonly doubled: number
  /** Of what is posted. */
  readonly employerFen: number
  readonly employeeFen: number
}

/** What a day's books can be divided by: the column of `ledger.fate`. */
export const partedBy = ['employer', 'envelope'] as const
export type PartedBy = (typeof partedBy)[number]

const rowsAtATime = 1_000

/** Parts in the order of employers or envelopes, on a connection that nobody else uses meanwhile. */
export async function* readBooksParts(
  client: Pick<pg.Client, 'query'>,
  day: string,
  by: PartedBy,
): AsyncGenerator<BooksPart> {
  const bounds = [instantMicros(day, '00:00'), instantMicros(addDays(day, 1), '00:00')]
  await client.query('begin read only')
  try {
    await client.query(
      `declare parts cursor for
       select
         ${by}::text as of,
         count(*)::int as accepted,
         (count(*) filter (where fate = 'posted'))::int as posted,
         (count(*) filter (where fate = 'dead letter'))::int as "deadLetters",
         (count(*) filter (where fate = 'under way'))::int as "underWay",
         (count(*) filter (where fate = 'missing'))::int as missing,
         count(w.id)::int as doubled,
         sum(employer_fen)::float8 as "employerFen",
         sum(employee_fen)::float8 as "employeeFen"
       from ledger.fate f
       left join ledger.posted_wrongly(
         timestamptz 'epoch' + ${bounds[0]} * interval '1 microsecond',
         timestamptz 'epoch' + ${bounds[1]} * interval '1 microsecond'
       ) w on w.id = f.id
       where accepted_at >= timestamptz 'epoch' + ${bounds[0]} * interval '1 microsecond'
         and accepted_at < timestamptz 'epoch' + ${bounds[1]} * interval '1 microsecond'
       group by ${by}
       order by ${by}`,
    )
    for (;;) {
      const { rows } = await client.query<BooksPart>(`fetch ${rowsAtATime} from parts`)
      if (rows.length === 0) return
      yield* rows
    }
  } finally {
    await client.query('rollback')
  }
}
