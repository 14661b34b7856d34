/**
 * What is in force: for each employer and period the posted declaration with the highest sequence
 * (envelope, position); and the highest cancellation, below which everything stays cancelled. What
 * travels in parts counts once all of them are posted, at its head's sequence.
 */
import { isDeclaration, type Postable } from './rows.ts'

/**
 * The statements that raise both maxima to what an envelope's posted declarations say; they never
 * lower one. Rows go in sorted by key: two envelopes that share employers can't deadlock.
 */
export function raiseInForce(envelope: bigint, posted: readonly Postable[]): readonly string[] {
  const declarations = posted.filter(isDeclaration)
  if (declarations.length === 0) return []
  const parts = declarations.flatMap(({ part, position }) => (part === undefined ? [] : position))
  const cancels = declarations.some(({ declaration }) => declaration.kind === 'cancellation')
  return [
    ...(parts.length > 0 ? [countParts(envelope, parts)] : []),
    raise('in_force', [
      ...(parts.length < declarations.length ? [`${placesIn(envelope)} and parts = 1`] : []),
      ...(parts.length > 0 ? [completeWholes(envelope, parts)] : []),
    ]),
    ...(cancels
      ? [raise('last_cancellation', [`${placesIn(envelope)} and kind = 'cancellation'`])]
      : []),
  ]
}

function raise(table: 'in_force' | 'last_cancellation', places: readonly string[]): string {
  return `
    insert into ${table} as held (employer, period, envelope, position)
    select distinct on (employer, period) employer, period, envelope, position
    from (${places.join(' union all ')}) as places
    order by employer, period, envelope desc, position desc
    on conflict (employer, period) do update
    set envelope = excluded.envelope, position = excluded.position
    where (excluded.envelope, excluded.position) > (held.envelope, held.position)`
}

function placesIn(envelope: bigint): string {
  return `select employer, period, envelope, position from declaration where envelope = ${envelope}`
}

/**
 * Counts what was inserted of these parts, each once, as its marker or its key let it in once. The
 * row of a whole is locked from here on: of two transactions, the second counts what the first did.
 */
function countParts(envelope: bigint, positions: readonly number[]): string {
  return `
    insert into whole as held (id, employer, period, parts, posted, head_envelope, head_position)
    select
      coalesce(part_of, id), employer, period, parts, count(*),
      max(envelope) filter (where part_of is null), max(position) filter (where part_of is null)
    from declaration
    where envelope = ${envelope} and position in (${positions.join(',')})
    group by coalesce(part_of, id), employer, period, parts
    order by coalesce(part_of, id)
    on conflict (id) do update
    set posted = held.posted + excluded.posted,
      head_envelope = coalesce(held.head_envelope, excluded.head_envelope),
      head_position = coalesce(held.head_position, excluded.head_position)`
}

/** Where the heads lie of those whose last part is among these. */
function completeWholes(envelope: bigint, positions: readonly number[]): string {
  return `
    select employer, period, head_envelope as envelope, head_position as position
    from whole
    where posted = parts
      and id in (
        select coalesce(part_of, id)
        from declaration
        where envelope = ${envelope} and position in (${positions.join(',')})
      )`
}
