/**
 * Slots for large files: POST reserves a time in which a file goes first, GET tells it, DELETE gives it
 * back. A file needs none, and is filed at the time of its receipt with or without.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import type { ReserveOutcome } from '../../batch/slots/reserve-slot.ts'
import type { Slot } from '../../batch/slots/slot.ts'
import type { SlotStore } from '../../batch/slots/slot-store.ts'
import { isWithin } from '../../journal/reading/reach.ts'
import { reservationsMax, reservationsOfOneMax, slotsListedMax } from '../../limits.ts'
import type { Policies } from '../../policy/rules.ts'
import { requireAct } from '../auth/bearer.ts'
import type { Filer } from '../auth/claims.ts'
import { Places } from '../overload/keyed-semaphore.ts'
import {
  entityTagHeader,
  locationHeader,
  nothing,
  replayedHeader,
  withHeaders,
} from '../present/answers.ts'
import { slotUrl } from '../present/present-batch.ts'
import {
  presentReserved,
  presentSlot,
  slotListSchema,
  slotSchema,
} from '../present/present-slot.ts'
import { notModifiedSchema, problemSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { sendUnlessKnown } from '../wire/conditional.ts'
import type { HttpLimits } from '../wire/http-limits.ts'
import { readIdempotencyKey } from '../wire/idempotency-key.ts'
import { readSlotRequest, slotRequestSchema } from './slot-request.ts'
import { batchIdSchema } from './tus.ts'

export type SlotDependencies = {
  readonly slots: SlotStore
  readonly policies: Policies
  readonly http: HttpLimits
  readonly nowMicros: () => number
}

type WithId = { Params: Static<typeof batchIdSchema> }

const problems = { '4xx': problemSchema, '5xx': problemSchema }

export function slotRoutes(app: FastifyInstance, dependencies: SlotDependencies): void {
  const places = new Places(reservationsMax, reservationsOfOneMax)
  const onRequest = requireAct('look')
  app.route({
    method: 'POST',
    url: '/v1/slots',
    validatorCompiler: () => () => true,
    onRequest: requireAct('file'),
    schema: {
      operationId: 'reserveSlot',
      tags: ['slots'],
      summary: 'Reserve a slot for a large file',
      description:
        'The earliest that is free, or the earliest from notBefore on. At the peak, next has the ones after it: to take one of these, give this one back and ask again with notBefore. Name the slot when the file is begun. A slot orders work and delays nothing, and the time of filing is that of receipt.',
      headers: {
        type: 'object',
        properties: {
          'idempotency-key': { type: 'string', description: 'May be left out.' },
        },
      },
      body: slotRequestSchema,
      response: {
        201: withHeaders(slotSchema, { ...locationHeader, ...replayedHeader }),
        ...problems,
      },
    },
    handler: (request, reply) => reserve(dependencies, places, request, reply),
  })
  app.get('/v1/slots', {
    onRequest,
    schema: {
      operationId: 'listSlots',
      tags: ['slots'],
      summary: "One's own slots, newest first",
      description: `The latest ${slotsListedMax}.`,
      response: {
        200: withHeaders(slotListSchema, entityTagHeader),
        304: notModifiedSchema,
        ...problems,
      },
    },
    handler: async (request, reply) => {
      const slots = await dependencies.slots.list(filerOf(request))
      const own = slots.filter((slot) => isSeen(filerOf(request), slot))
      request.seen = { count: own.length }
      return sendUnlessKnown(request, reply, {
        slots: own.map((slot) => presentSlot(dependencies, slot)),
      })
    },
  })
  app.get<WithId>('/v1/slots/:id', {
    onRequest,
    schema: {
      operationId: 'getSlot',
      tags: ['slots'],
      summary: 'A slot',
      params: batchIdSchema,
      response: {
        200: withHeaders(slotSchema, entityTagHeader),
        304: notModifiedSchema,
        ...problems,
      },
    },
    handler: async (request, reply) =>
      sendUnlessKnown(
        request,
        reply,
        presentSlot(dependencies, await ownSlot(dependencies, request)),
      ),
  })
  app.delete<WithId>('/v1/slots/:id', {
    onRequest: requireAct('file'),
    schema: {
      operationId: 'giveSlotBack',
      tags: ['slots'],
      summary: 'Gives a slot back',
      description: '409 where a file uses it.',
      params: batchIdSchema,
      response: { 204: nothing('It is given back.'), ...problems },
    },
    handler: async (request, reply) => {
      const slot = await ownSlot(dependencies, request)
      if (await dependencies.slots.release(slot)) return reply.code(204).send()
      return sendProblem(request, reply, 'SLOT_IN_USE')
    },
  })
}

/** Whose slots are whose goes by the subject of a token. */
function filerOf({ filer }: FastifyRequest): Filer {
  if (filer === undefined || filer.subject === '') throw new RefusedRequestError('SUBJECT_MISSING')
  return filer
}

/** Of a slot of the asker's: whether its token still names the employer that it is for. */
function isSeen({ employers }: Filer, { employer }: Slot): boolean {
  return employer === undefined || employers.has(employer)
}

/** Whose it is otherwise, nobody learns. */
async function ownSlot(
  { slots }: SlotDependencies,
  request: FastifyRequest<WithId>,
): Promise<Slot> {
  const filer = filerOf(request)
  const slot = await slots.find(request.params.id, filer)
  if (slot === undefined || !isSeen(filer, slot)) throw new RefusedRequestError('NOT_FOUND')
  request.seen = slot.employer === undefined ? {} : { employer: slot.employer }
  return slot
}

async function reserve(
  dependencies: SlotDependencies,
  places: Places,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { slots, policies, http } = dependencies
  const filer = filerOf(request)
  const { issuer, subject, employers } = filer
  const key = readIdempotencyKey(request.headers['idempotency-key'])
  if (key === 'invalid') throw new RefusedRequestError('IDEMPOTENCY_KEY_INVALID')
  const nowMicros = dependencies.nowMicros()
  const read = readSlotRequest(request.body, { policies, nowMicros, bytesMax: http.uploadBytesMax })
  if ('errors' in read) throw new RefusedRequestError('SLOT_INVALID', read)
  const { notBeforeMicros = nowMicros, ...asked } = read.asked
  if (asked.employer !== undefined && !employers.has(asked.employer))
    throw new RefusedRequestError('EMPLOYER_NOT_YOURS')
  if (!isWithin(filer.regions, asked.region)) throw new RefusedRequestError('REGION_NOT_YOURS')
  const leave = places.enter(subject)
  if (typeof leave === 'string') {
    reply.header('retry-after', '1')
    throw new RefusedRequestError(leave === 'full' ? 'BUSY' : 'SHARE_EXCEEDED')
  }
  try {
    const idempotencyKey = key === 'missing' ? undefined : key.value
    const fromMicros = Math.max(nowMicros, notBeforeMicros)
    const outcome = await slots.reserve(
      { ...asked, issuer, subject, idempotencyKey },
      { fromMicros, nowMicros },
    )
    return answer(dependencies, reply, { filer, outcome, fromMicros })
  } finally {
    leave()
  }
}

type Reserved = {
  readonly filer: Filer
  readonly outcome: ReserveOutcome
  readonly fromMicros: number
}

function answer(
  dependencies: SlotDependencies,
  reply: FastifyReply,
  { filer, outcome, fromMicros }: Reserved,
): FastifyReply {
  switch (outcome.kind) {
    case 'conflicting':
      throw new RefusedRequestError(
        'IDEMPOTENCY_KEY_REUSED',
        isSeen(filer, outcome.slot) ? { instance: slotUrl(outcome.slot.id) } : {},
      )
    case 'tooMany':
      throw new RefusedRequestError('SLOTS_TOO_MANY_OPEN')
    case 'noneFree':
      throw new RefusedRequestError('SLOTS_NONE_FREE')
    case 'replayed':
      reply.header('idempotency-replayed', 'true')
      break
    case 'reserved':
      break
  }
  return reply
    .code(201)
    .header('location', slotUrl(outcome.slot.id))
    .header('cache-control', 'no-store')
    .send(
      outcome.kind === 'replayed'
        ? presentSlot(dependencies, outcome.slot)
        : presentReserved(dependencies, outcome, fromMicros),
    )
}
