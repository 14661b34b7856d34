/**
 * Envelopes that could not be posted for a reason that time alone does not fix: a missing key, damaged
 * bytes, a missing right or migration. A queue that retries them takes them before good ones (BullMQ on
 * Postgres) or fills its slots with them, so they leave the queue. The sweeper brings each back at the tail,
 * after ever longer waits, and a bounded number in one sweep.
 *
 * If the worker dies
 *  - before the row is written: the job's lock runs out, and another worker tries the envelope again;
 *  - after that, before its job is done: the same, and that try counts too;
 *  - after its job is done: the envelope is still unposted, and the sweeper brings it back when it is due.
 */
import type pg from 'pg'
import { putOffMsMax, putOffMsMin } from '../limits.ts'
import type { Lane } from './lanes.ts'
import type { UnpostedEnvelope } from './reading/unposted.ts'

/** Records a failed try. Each wait doubles, up to a limit, with jitter. */
export async function putOff(
  pool: pg.Pool,
  { number, lane }: UnpostedEnvelope,
  code: string,
): Promise<void> {
  await pool.query({
    name: 'put-off',
    text: `
      insert into journal.put_off as before (envelope, lane, code, tries, next_try)
      values ($1, $2, $3, 1, now() + $4::integer * (0.75 + random() / 2) * interval '1 millisecond')
      on conflict (envelope) do update set
        code = excluded.code,
        tries = before.tries + 1,
        next_try = now() + least($5::integer, $4::integer * 2 ^ least(before.tries, 20))
          * (0.75 + random() / 2) * interval '1 millisecond'`,
    values: [number, lane, code, putOffMsMin, putOffMsMax],
  })
}

/**
 * Takes the envelopes whose next try is due, the longest due first, and sets their next try, whether the
 * queue takes them now or not. Deletes the rows of envelopes that were posted meanwhile.
 */
export async function takeDue(
  client: pg.Pool | pg.PoolClient,
  limit: number,
): Promise<UnpostedEnvelope[]> {
  const { rows } = await client.query<{ envelope: string; lane: Lane }>({
    name: 'take-put-off',
    text: `
      with due as (
        select p.envelope, u.envelope is not null as unposted
        from journal.put_off p
        left join journal.unposted u on u.envelope = p.envelope
        where p.next_try <= now()
        order by p.next_try
        limit $1
        for update of p skip locked
      ), forgotten as (
        delete from journal.put_off
        where envelope in (select envelope from due where not unposted)
      )
      update journal.put_off
      set next_try = now() + $2::integer * interval '1 millisecond'
      where envelope in (select envelope from due where unposted)
      returning envelope, lane`,
    values: [limit, putOffMsMax],
  })
  return rows.map(({ envelope, lane }) => ({ number: BigInt(envelope), lane }))
}

/** Counts them by the code of their last fault. */
export async function countPutOff(pool: pg.Pool): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ code: string; count: number }>({
    name: 'count-put-off',
    text: `
      select p.code, count(*)::integer as count
      from journal.put_off p
      join journal.unposted u on u.envelope = p.envelope
      group by p.code`,
  })
  return new Map(rows.map(({ code, count }) => [code, count]))
}
