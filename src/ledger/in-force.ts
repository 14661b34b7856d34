/**
 * What is in force: for each employer and period the posted declaration with the highest sequence
 * (envelope, position); and the highest cancellation, below which everything stays cancelled.
 */
import { isDeclaration, type Postable } from './rows.ts'

/**
 * The statements that raise both maxima to what an envelope's posted declarations say; they never
 * lower one. Rows go in sorted by key: two envelopes that share employers can't deadlock.
 */
export function raiseInForce(envelope: bigint, posted: readonly Postable[]): readonly string[] {
  const declarations = posted.filter(isDeclaration)
  if (declarations.length === 0) return []
  const cancels = declarations.some(({ declaration }) => declaration.kind === 'cancellation')
  return [
    raise('in_force', `envelope = ${envelope}`),
    ...(cancels
      ? [raise('last_cancellation', `envelope = ${envelope} and kind = 'cancellation'`)]
      : []),
  ]
}

function raise(table: 'in_force' | 'last_cancellation', which: string): string {
  return `
    insert into ${table} as held (employer, period, envelope, position)
    select distinct on (employer, period) employer, period, envelope, position
    from declaration
    where ${which}
    order by employer, period, position desc
    on conflict (employer, period) do update
    set envelope = excluded.envelope, position = excluded.position
    where (excluded.envelope, excluded.position) > (held.envelope, held.position)`
}
