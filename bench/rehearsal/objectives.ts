/** What a rehearsal must reach, as data: bench/rehearsal/objectives.json, or an operator's own file. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { UsageError } from '../../src/platform/command/failure.ts'

const share = Type.Number({ minimum: 0, maximum: 1 })
const count = Type.Integer({ minimum: 0 })
const closed = { additionalProperties: false }

const objectivesSchema = Type.Object(
  {
    /** From the intended send time to the receipt. */
    acceptedP99Ms: Type.Number({ exclusiveMinimum: 0 }),
    refusedShare: share,
    noAnswerShare: share,
    undocumentedAnswers: count,
    /** After the day's end, until everything accepted is posted. */
    postedWithinSeconds: Type.Number({ minimum: 1, maximum: 86_400 }),
    /** Acknowledged and not posted. */
    lost: count,
    brokenInvariants: count,
    /** Beyond these, the generator was the limit, and there is no verdict. */
    generator: Type.Object(
      {
        lateMs: Type.Number({ exclusiveMinimum: 0 }),
        /** So many of all requests may leave later. */
        lateShare: share,
        busyShare: share,
        /** For so many seconds a generator may be busier. */
        busySeconds: count,
      },
      closed,
    ),
  },
  closed,
)

export type Objectives = Static<typeof objectivesSchema>

const shipped = fileURLToPath(new URL('objectives.json', import.meta.url))

/** @throws UsageError that names every fault */
export function readObjectives(file = shipped): Objectives {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UsageError(`${file} can't be read as objectives: ${(error as Error).message}`)
  }
  if (Value.Check(objectivesSchema, content)) return content
  const faults = Value.Errors(objectivesSchema, content).map(
    ({ instancePath, message }) => `${instancePath || '/'}: ${message}`,
  )
  throw new UsageError([`${file} has no objectives:`, ...new Set(faults)].join('\n  '))
}
