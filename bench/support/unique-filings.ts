/**
 * Filings of which each is of another employer or another period, as employers file: where a declaration stands, a
 * second regular one is refused, and so is a correction of what another one replaced. They are composed when they are
 * sent: a hundred thousand bodies would take more memory than what they measure.
 */

export type Filer = {
  /** Of its token. */
  readonly subject: string
  readonly employer: string
  readonly authorization: string
}

export type Filings = {
  /** Those whose turns follow each other have tokens of their own. */
  readonly filers: readonly Filer[]
  /** What follows employer and period in the JSON of a declaration, in turns. */
  readonly tails: readonly string[]
  /** Number of the next one; each is sent once. */
  next: number
}

export type Filing = Omit<Filer, 'subject'> & { readonly period: string; readonly body: string }

/** Months that have a policy pack and are over, so that what is filed does not depend on the day. */
const periods = Array.from({ length: 65 }, (_, i) => {
  const month = 7 + i
  return `${2019 + Math.floor(month / 12)}-${String(1 + (month % 12)).padStart(2, '0')}`
})

export function filingAt(filings: Omit<Filings, 'next'>, number: number): Filing {
  const { head, tail, ...filing } = piecesAt(filings, number)
  return { ...filing, body: head + tail }
}

/** The same in two pieces, of which the second is one of the tails. */
export function piecesAt({ filers, tails }: Omit<Filings, 'next'>, number: number) {
  const { employer, authorization } = filers[number % filers.length] as Filer
  const period = periods[Math.floor(number / filers.length)]
  if (period === undefined)
    throw new Error(`${filers.length} employers have no more than ${periods.length} periods each`)
  const tailNumber = number % tails.length
  const head = `{"employer":"${employer}","period":"${period}",`
  return { employer, period, authorization, head, tail: tails[tailNumber] as string, tailNumber }
}

/** Takes the next one out. */
export function nextFiling(filings: Filings): Filing {
  filings.next += 1
  return filingAt(filings, filings.next - 1)
}

/** Takes so many out for another process, which composes them from the number that is returned. */
export function reserve(filings: Filings, count: number): number {
  filings.next += Math.ceil(count)
  return filings.next - Math.ceil(count)
}

/** Those of some of the filers alone, beyond what was taken from all of them. */
export function ofFilers(filings: Filings, isOne: (filer: Filer) => boolean): Filings {
  const filers = filings.filers.filter(isOne)
  const rounds = Math.ceil(filings.next / filings.filers.length)
  return { ...filings, filers, next: rounds * filers.length }
}
