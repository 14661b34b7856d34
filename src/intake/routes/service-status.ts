/**
 * GET /v1/service/status: how the service is, for everybody, with numbers: cheap to make, and to be
 * cached. Backlog and deadlines are of the whole engine; the rest is of this intake process.
 */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { formatInstant } from '../../declaration/period.ts'
import type { Backlog } from '../../journal/reading/unposted.ts'
import { backlogLookMs, statusCacheSeconds } from '../../limits.ts'
import { monthsAfter } from '../../policy/calendar.ts'
import type { Policies } from '../../policy/rules.ts'
import type { OutageWatch } from '../overload/outage-watch.ts'
import { problemSchema } from '../present/schemas.ts'

const schema = Type.Object(
  {
    status: Type.Enum(['green', 'yellow', 'red'], {
      description:
        'green: all is well, nobody was refused of late; yellow: answers or posting take long, or some are refused, as who sends more than its share; red: filings are refused.',
    }),
    at: Type.String(),
    acceptedLastMinute: Type.Integer({ description: 'By the intake process that answers.' }),
    secondsToAccept: Type.Optional(
      Type.Number({
        description:
          'Of an answer of the intake process that answers this, on average of late; absent before the first.',
      }),
    ),
    backlog: Type.Object({
      declarations: Type.Integer({
        description: 'Accepted and not yet posted; -1: not known now.',
      }),
      oldestSeconds: Type.Number(),
      drainSeconds: Type.Optional(
        Type.Number({ description: 'At the rate at which it falls now.' }),
      ),
    }),
    nextDeadline: Type.Optional(Type.String()),
    openOutage: Type.Optional(
      Type.Object(
        {
          since: Type.String(),
          cause: Type.String(),
          refused: Type.Integer(),
          failed: Type.Integer(),
        },
        { description: 'As the intake process that answers sees it: another may be well.' },
      ),
    ),
  },
  { title: 'ServiceStatus' },
)

export type ServiceStatusDependencies = {
  readonly policies: Policies
  readonly nowMicros: () => number
  readonly outages: OutageWatch
  readonly readBacklog: () => Promise<readonly Backlog[]>
  /** Of this process. */
  readonly acceptedLastMinute: () => number
  readonly answerMs: () => number
  /** Whether anybody was refused of late, for want of room or for its share. */
  readonly refusesSome: () => boolean
}

/** Answers slower than this, or posting later than this, are worth a warning. */
const slowAnswerMs = 1_000
const lateSeconds = 120

type Looked = {
  readonly declarations: number
  readonly oldestSeconds: number
  readonly atMs: number
}

export function serviceStatusRoute(
  app: FastifyInstance,
  dependencies: ServiceStatusDependencies,
): void {
  const { policies, nowMicros } = dependencies
  let before: Looked | undefined
  let latest: Looked | undefined
  let looking: Promise<void> | undefined
  const look = async () => {
    const atMs = nowMicros() / 1_000
    if (latest !== undefined && atMs - latest.atMs < backlogLookMs) return
    const backlogs = await dependencies.readBacklog().catch(() => undefined)
    before = latest
    latest = { ...sumOf(backlogs), atMs }
  }
  app.get('/v1/service/status', {
    logLevel: 'warn',
    schema: {
      operationId: 'getServiceStatus',
      tags: ['service'],
      summary: 'How the service is',
      response: { 200: schema, '4xx': problemSchema },
      security: [],
    },
    handler: async (_request, reply) => {
      looking ??= look().finally(() => {
        looking = undefined
      })
      await looking
      const drainSeconds = drainOf(before, latest)
      const { declarations = -1, oldestSeconds = 0 } = latest ?? {}
      const backlog = { declarations, oldestSeconds, ...(drainSeconds && { drainSeconds }) }
      const nextDeadline = nextDeadlineOf(policies, nowMicros())
      return reply
        .header('cache-control', `public, max-age=${statusCacheSeconds}`)
        .send({ ...present(dependencies, backlog), ...(nextDeadline && { nextDeadline }) })
    },
  })
}

function present(
  { outages, nowMicros, acceptedLastMinute, answerMs, refusesSome }: ServiceStatusDependencies,
  backlog: Static<typeof schema>['backlog'],
): Static<typeof schema> {
  const now = nowMicros()
  const open = outages.open(now / 1_000)
  const slow = answerMs() > slowAnswerMs || backlog.oldestSeconds > lateSeconds
  const isYellow = slow || backlog.declarations < 0 || refusesSome()
  return {
    status: open !== undefined ? 'red' : isYellow ? 'yellow' : 'green',
    at: formatInstant(now),
    acceptedLastMinute: Math.round(acceptedLastMinute()),
    ...(answerMs() > 0 && { secondsToAccept: Number((answerMs() / 1_000).toFixed(3)) }),
    backlog,
    ...(open && {
      openOutage: {
        since: formatInstant(Math.round(open.beganMs * 1_000)),
        cause: open.cause,
        refused: open.refused,
        failed: open.failed,
      },
    }),
  }
}

function sumOf(backlogs: readonly Backlog[] | undefined) {
  if (backlogs === undefined) return { declarations: -1, oldestSeconds: 0 }
  return {
    declarations: backlogs.reduce((sum, { declarations }) => sum + declarations, 0),
    oldestSeconds: Math.round(Math.max(0, ...backlogs.map((one) => one.oldestSeconds))),
  }
}

/** Undefined where it does not fall: then nobody knows. */
function drainOf(before: Looked | undefined, latest: Looked | undefined): number | undefined {
  if (before === undefined || latest === undefined || latest.declarations <= 0) return undefined
  const perMs = (before.declarations - latest.declarations) / (latest.atMs - before.atMs)
  return perMs > 0 ? Math.ceil(latest.declarations / perMs / 1_000) : undefined
}

/** Of the months around now, in any region. */
function nextDeadlineOf({ current, rulesFor }: Policies, nowMicros: number): string | undefined {
  const month = formatInstant(nowMicros).slice(0, 7)
  const deadlines = [...current.keys()].flatMap((region) =>
    [-2, -1, 0, 1].flatMap((months) => {
      const rules = rulesFor(region, monthsAfter(month, months))
      return rules.kind === 'rules' && rules.deadlineMicros > nowMicros
        ? [rules.deadlineMicros]
        : []
    }),
  )
  return deadlines.length === 0 ? undefined : formatInstant(Math.min(...deadlines))
}
