/**
 * A profile: how a deadline day goes, as data. Each figure stands beside what it follows from, so that
 * an operator can put their own in its place. A file is checked as a whole, and every fault named.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Type, { type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { UsageError } from '../../src/platform/command/failure.ts'

export const shippedProfiles = ['city', 'province', 'nation'] as const
const closed = { additionalProperties: false }

const figure = <S extends TSchema>(value: S) =>
  Type.Object({ value, from: Type.String({ minLength: 10 }) }, closed)
const share = Type.Number({ minimum: 0, maximum: 1 })
const time = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$' })
const endTime = Type.String({ pattern: '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$' })

const profileSchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,40}$' }),
    title: Type.String({ minLength: 1 }),
    /** Employers that file for the month. */
    employers: figure(Type.Integer({ minimum: 1, maximum: 1_000_000_000 })),
    /** Share of the month's declarations that is filed on the last day. */
    lastDayShare: figure(share),
    /** Share of the day's filings in each hour; they add up to 1. */
    hours: figure(Type.Array(share, { minItems: 24, maxItems: 24 })),
    /** Before one, filings rise within the hour, to `times` its average in the last minute. */
    cutOffs: figure(
      Type.Array(
        Type.Object(
          {
            at: endTime,
            riseMinutes: Type.Integer({ minimum: 1, maximum: 60 }),
            times: Type.Number({ minimum: 1, maximum: 2 }),
          },
          closed,
        ),
      ),
    ),
    /** For so many seconds, filings come at `times` the average of their hour. */
    bursts: figure(
      Type.Array(
        Type.Object(
          {
            at: time,
            seconds: Type.Integer({ minimum: 1, maximum: 3_600 }),
            times: Type.Number({ minimum: 1, maximum: 100 }),
          },
          closed,
        ),
      ),
    ),
    /** Status reads for each filing. */
    statusReads: figure(Type.Number({ minimum: 0, maximum: 1_000 })),
    /** Seconds after its filing in which a read comes, on average. */
    readAfterSeconds: figure(Type.Number({ minimum: 0.1, maximum: 3_600 })),
    /** Times that a filing is sent again by somebody who does not wait for its answer. */
    resends: figure(
      Type.Object(
        {
          usual: Type.Number({ minimum: 0, maximum: 20 }),
          /** In an hour that ends with a cut-off. */
          beforeCutOff: Type.Number({ minimum: 0, maximum: 20 }),
          afterSeconds: Type.Number({ minimum: 0.05, maximum: 600 }),
        },
        closed,
      ),
    ),
    /** Who is refused tries again, after Retry-After or without waiting for it. */
    retries: figure(
      Type.Object({ most: Type.Integer({ minimum: 0, maximum: 100 }), waitShare: share }, closed),
    ),
    /** Of the filings, those that correct an earlier one, and those with a fault. */
    correctionShare: figure(share),
    faultyShare: figure(share),
    /** Lines of a declaration: shares of declarations by their number of lines. */
    lines: figure(
      Type.Array(
        Type.Object(
          {
            share,
            min: Type.Integer({ minimum: 1, maximum: 4_000 }),
            max: Type.Integer({ minimum: 1, maximum: 4_000 }),
          },
          closed,
        ),
        { minItems: 1 },
      ),
    ),
    /** Files with many lines, sent at these times of the day. */
    files: figure(
      Type.Array(
        Type.Object({ at: time, rows: Type.Integer({ minimum: 1, maximum: 2_000_000 }) }, closed),
        { maxItems: 100 },
      ),
    ),
    /** One employer who files for far more people than any other, or nobody. */
    monster: figure(
      Type.Union([
        Type.Null(),
        Type.Object({ at: time, rows: Type.Integer({ minimum: 1, maximum: 5_000_000 }) }, closed),
      ]),
    ),
  },
  closed,
)

export type Profile = Static<typeof profileSchema>

/**
 * Reads one that is shipped, or a file.
 * @throws UsageError that names every fault
 */
export function readProfile(nameOrFile: string): Profile {
  const shipped = shippedProfiles.some((name) => name === nameOrFile)
  const file = shipped
    ? fileURLToPath(new URL(`profiles/${nameOrFile}.json`, import.meta.url))
    : nameOrFile
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UsageError(
      `${file} can't be read as a profile: ${(error as Error).message}. Name ${shippedProfiles.join(', ')}, or a JSON file like bench/rehearsal/profiles/city.json.`,
    )
  }
  return checkProfile(content, file)
}

/** @throws UsageError that names every fault */
export function checkProfile(content: unknown, file: string): Profile {
  const faults = Value.Check(profileSchema, content)
    ? faultsOf(content)
    : Value.Errors(profileSchema, content).map(
        ({ instancePath, message }) => `${instancePath || '/'}: ${message}`,
      )
  if (faults.length === 0) return content as Profile
  throw new UsageError([`${file} is no profile:`, ...new Set(faults)].join('\n  '))
}

/** What a schema can't say. */
function faultsOf({ hours, lines, cutOffs, bursts }: Profile): string[] {
  const faults: string[] = []
  const sum = (values: readonly number[]) => values.reduce((one, other) => one + other, 0)
  const total = (where: string, values: readonly number[]) => {
    if (Math.abs(sum(values) - 1) > 0.005)
      faults.push(`${where}: the shares add up to ${sum(values).toFixed(3)}, and must to 1`)
  }
  total('/hours/value', hours.value)
  total(
    '/lines/value',
    lines.value.map((one) => one.share),
  )
  for (const [i, { min, max }] of lines.value.entries()) {
    if (min > max) faults.push(`/lines/value/${i}: min is above max`)
  }
  for (const [i, { at }] of cutOffs.value.entries()) {
    if (!at.endsWith(':00')) faults.push(`/cutOffs/value/${i}/at: a cut-off is at a full hour`)
  }
  for (const [i, { at }] of bursts.value.entries()) {
    if (hours.value[Number(at.slice(0, 2))] === 0)
      faults.push(`/bursts/value/${i}/at: nobody files in this hour`)
  }
  return faults
}

/** A line for each figure: what it is and what it follows from. */
export function sourcesOf(profile: Profile): string[] {
  return Object.entries(profile).flatMap(([name, value]) =>
    typeof value === 'object' ? [`${name}: ${value.from}`] : [],
  )
}

/** Seconds of the day at HH:MM or HH:MM:SS. */
export function secondsAt(at: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = at.split(':').map(Number)
  return hours * 3_600 + minutes * 60 + seconds
}
