/**
 * The policy packs in force, for portals and help desks: which parameters hold in a period, with
 * their sources, and what changed since a day. Public, like the notices they come from.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { finding } from '../../declaration/findings.ts'
import { dayOf, formatInstant } from '../../declaration/period.ts'
import { changesSince, parametersOf } from '../../policy/in-force.ts'
import { type HashedPack, type Policies, packText } from '../../policy/rules.ts'
import { streamed } from '../present/answers.ts'
import { problemSchema, textSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { daySchema } from '../wire/parameters.ts'

export type PolicyRouteDependencies = {
  readonly policies: Policies
  /** Microseconds since 1970. */
  readonly nowMicros: () => number
}

const regionSchema = Type.Object({ region: Type.String({ maxLength: 20 }) })
const onSchema = Type.Object({ on: Type.Optional(daySchema) }, { additionalProperties: false })
const sinceSchema = Type.Object({ since: daySchema }, { additionalProperties: false })
const regionMembers = {
  region: Type.String({ examples: ['340100'] }),
  names: textSchema,
  from: Type.String({ description: 'The first period to file.', examples: ['2019-08'] }),
  hash: Type.String({ description: 'SHA-256 of the policy pack.' }),
}
const regionsSchema = Type.Object(
  { regions: Type.Array(Type.Object(regionMembers)) },
  { title: 'Policies' },
)
/** Parameters are as the pack has them, each with its sources. */
const open = { additionalProperties: true }
const policySchema = Type.Object(
  {
    ...regionMembers,
    on: Type.String(),
    period: Type.String(),
    deadline: Type.Optional(Type.String()),
    lateIsRefused: Type.Optional(Type.Boolean()),
  },
  { title: 'Policy', ...open },
)
const changesSchema = Type.Object(
  { ...regionMembers, since: Type.String(), changes: Type.Array(Type.Object({}, open)) },
  { title: 'PolicyChanges' },
)
const packSchema = Type.Object({}, { title: 'PolicyPack', ...open })
const problems = { '4xx': problemSchema, '5xx': problemSchema }

type AskedOn = { Params: Static<typeof regionSchema>; Querystring: Static<typeof onSchema> }
type AskedPack = { Params: Static<typeof regionSchema> }
type AskedSince = { Params: Static<typeof regionSchema>; Querystring: Static<typeof sinceSchema> }

export function policyRoutes(app: FastifyInstance, dependencies: PolicyRouteDependencies): void {
  const { policies, nowMicros } = dependencies
  app.get('/v1/policies', {
    schema: {
      operationId: 'listPolicies',
      security: [],
      tags: ['policies'],
      summary: 'The regions that are served',
      response: { 200: regionsSchema, ...problems },
    },
    handler: async (_request, reply) =>
      cached(reply).send({ regions: [...policies.current.values()].map(regionOf) }),
  })
  app.get<AskedOn>('/v1/policies/:region', {
    schema: {
      operationId: 'getPolicy',
      security: [],
      tags: ['policies'],
      summary: 'The parameters in force on a day, with their sources',
      params: regionSchema,
      querystring: onSchema,
      response: { 200: policySchema, ...problems },
    },
    handler: async (request, reply) => {
      const found = policies.current.get(request.params.region)
      if (found === undefined) return unknownRegion(policies, request, reply)
      const on = request.query.on ?? dayOf(nowMicros())
      const first = found.pack.region.from
      if (on.slice(0, 7) < first) {
        const errors = [finding('/on', 'PERIOD_BEFORE_PACK', { first })]
        return sendProblem(request, reply, 'NOT_FOUND', { errors })
      }
      return cached(reply).send(inForce(policies, found, on))
    },
  })
  app.get<AskedPack>('/v1/policies/:region/pack', {
    schema: {
      operationId: 'getPolicyPack',
      security: [],
      tags: ['policies'],
      summary: 'The whole policy pack in force, to check and assess elsewhere',
      description:
        'The text that the hash of assessments and receipts is of: SHA-256 of the bytes of this answer. With it a page or a payroll system checks and assesses as this service does.',
      params: regionSchema,
      response: { 200: streamed('The pack.', ['application/json'], packSchema), ...problems },
    },
    handler: async (request, reply) => {
      const found = policies.current.get(request.params.region)
      if (found === undefined) return unknownRegion(policies, request, reply)
      return cached(reply).type('application/json; charset=utf-8').send(packText(found.pack))
    },
  })
  app.get<AskedSince>('/v1/policies/:region/changes', {
    schema: {
      operationId: 'listPolicyChanges',
      security: [],
      tags: ['policies'],
      summary: 'What began to apply or was published since a day, newest first',
      params: regionSchema,
      querystring: sinceSchema,
      response: { 200: changesSchema, ...problems },
    },
    handler: async (request, reply) => {
      const found = policies.current.get(request.params.region)
      if (found === undefined) return unknownRegion(policies, request, reply)
      const { since } = request.query
      return cached(reply).send({
        ...regionOf(found),
        since,
        changes: changesSince(found.pack, since),
      })
    },
  })
}

function inForce(policies: Policies, found: HashedPack, on: string) {
  const { pack } = found
  const period = on.slice(0, 7)
  const rules = policies.rulesFor(pack.region.code, period)
  return {
    ...regionOf(found),
    on,
    period,
    ...(rules.kind === 'rules' && {
      deadline: formatInstant(rules.deadlineMicros),
      lateIsRefused: rules.refuseLate,
      provisionalReasons: rules.provisionalReasons,
    }),
    parameters: parametersOf(pack, period),
    gaps: pack.gaps.filter(({ from = period, to = period }) => from <= period && period <= to),
  }
}

function regionOf({ pack, hash }: HashedPack) {
  const { code, names, from } = pack.region
  return { region: code, names, from, hash }
}

function unknownRegion(policies: Policies, request: FastifyRequest, reply: FastifyReply) {
  const regions = [...policies.current.keys()].join(', ')
  const errors = [finding('/region', 'REGION_UNKNOWN', { regions })]
  return sendProblem(request, reply, 'NOT_FOUND', { errors })
}

function cached(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'public, max-age=60')
}
