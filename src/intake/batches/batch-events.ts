/**
 * GET /v1/batches/{id}/events: the state of a batch as server-sent events, from the project's own
 * tables. Each event is the whole state, and its id is the state's mark: who comes again with it as
 * Last-Event-ID gets the state if it is another one by now, and else the next. A reader that is slow
 * gets fewer states, never old ones; nothing is kept for it. It ends soon after its token: when that has
 * expired, its key is retired, or its holder or itself is denied. Who comes again when all is over gets
 * 204, at which an EventSource stays away.
 */
import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { isEnded } from '../../batch/state/stages.ts'
import { visibilityOf } from '../../batch/uploads/owner-view.ts'
import type { BatchProgress } from '../../batch/uploads/progress.ts'
import {
  batchHeartbeatMs,
  batchStreamMsMax,
  batchStreamRetryMs,
  streamTokenLookMs,
} from '../../limits.ts'
import { requireAct, stillHolds } from '../auth/bearer.ts'
import { nothing, streamed } from '../present/answers.ts'
import { presentBatch } from '../present/present-batch.ts'
import { problemSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import {
  type BatchLookupContext,
  confirmReceived,
  ownProgress,
  seenChange,
  type WithBatchId,
} from './batch-status.ts'
import type { Watcher } from './batch-watch.ts'
import { batchIdSchema } from './tus.ts'
import { filerOf } from './upload-part.ts'

const headersSchema = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ maxLength: 100, description: 'Of the last event that was read.' }),
  ),
})

export function batchEventsRoute(app: FastifyInstance, context: BatchLookupContext): void {
  app.get<WithBatchId>('/v1/batches/:id/events', {
    exposeHeadRoute: false,
    onRequest: requireAct('look'),
    schema: {
      operationId: 'followBatch',
      tags: ['batches'],
      summary: 'How far a file is, as it goes on: server-sent events',
      description:
        'Event progress has what GET /v1/batches/{id} answers; event end follows when nothing more will change. Come again with Last-Event-ID after a break: no state is missed for good and none is told twice. 204 when all was told.',
      params: batchIdSchema,
      headers: headersSchema,
      response: {
        200: streamed('The events.', ['text/event-stream']),
        204: nothing('All was told.'),
        '4xx': problemSchema,
        '5xx': problemSchema,
      },
    },
    handler: (request, reply) => stream(context, request, reply),
  })
}

async function stream(
  context: BatchLookupContext,
  request: FastifyRequest<WithBatchId>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const found = await ownProgress(context, request, request.params.id)
  const lastMark = request.headers['last-event-id']
  if (isEnded(found.upload.stage) && lastMark === toldMark(request, found))
    return reply.code(204).header('cache-control', 'no-store').send()
  const watcher = context.watch.watch(found.upload.id, found.upload.subject)
  if (watcher === 'share') {
    reply.header('retry-after', '5')
    return sendProblem(request, reply, 'STREAMS_TOO_MANY')
  }
  if (typeof watcher === 'string') return sendProblem(request, reply, 'UNAVAILABLE')
  reply.raw.once('close', () => watcher.end())
  return (
    reply
      .type('text/event-stream; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no') // nginx would hold events back
      // Its headers are sent long before the process drains: left open, it would hold up the end.
      .header('connection', 'close')
      .send(
        Readable.from(eventsOf(context, request, { found, lastMark: String(lastMark), watcher }), {
          highWaterMark: 1,
        }),
      )
  )
}

type Stream = {
  readonly found: BatchProgress
  readonly lastMark: string
  readonly watcher: Watcher
}

async function* eventsOf(
  context: BatchLookupContext,
  request: FastifyRequest,
  { found, lastMark, watcher }: Stream,
): AsyncGenerator<string> {
  const endsAtMs = performance.now() + batchStreamMsMax
  let saidAtMs = performance.now()
  try {
    yield `retry: ${batchStreamRetryMs}\n\n`
    let progress = found
    await confirmReceived(context, progress)
    if (toldMark(request, progress) !== lastMark) yield eventOf(request, progress)
    while (!isEnded(progress.upload.stage)) {
      const change = await watcher.changed(progress.mark, streamTokenLookMs)
      if (change === 'stopped' || performance.now() >= endsAtMs) return
      if (!(await stillHolds(request))) return
      if (change === 'elapsed') {
        if (performance.now() - saidAtMs < batchHeartbeatMs) continue
        yield ':\n\n'
      } else {
        const seen = await seenChange(context, request, change)
        if (seen === undefined) return
        progress = seen
        await confirmReceived(context, progress)
        yield eventOf(request, progress)
      }
      saidAtMs = performance.now()
    }
    yield `event: end\ndata: {"stage":"${progress.upload.stage}"}\n\n`
  } finally {
    watcher.end()
  }
}

/** A mark counts the rows of the whole file: who sees a part of it gets a hash. */
function toldMark(request: FastifyRequest, { upload, mark }: BatchProgress): string {
  return visibilityOf(filerOf(request), upload) === 'all' ? mark : hash('sha256', mark, 'base64url')
}

function eventOf(request: FastifyRequest, progress: BatchProgress): string {
  const data = JSON.stringify(presentBatch(progress))
  return `id: ${toldMark(request, progress)}\nevent: progress\ndata: ${data}\n\n`
}
