/**
 * What came of a file: the declarations that were filed, and the rows that were not, as a file to mend
 * and send again; and the template to fill in.
 */

import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { writeErrorLines } from '../../batch/errors/error-lines.ts'
import {
  type ErrorRow,
  errorsFileRows,
  readErrorRows,
  rowsOfEmployers,
} from '../../batch/errors/error-rows.ts'
import { findOpenRows, writeErrorTable } from '../../batch/errors/error-table.ts'
import { listUnits } from '../../batch/staging/list-units.ts'
import type { UnitKey } from '../../batch/staging/staged-rows.ts'
import { isEnded } from '../../batch/state/stages.ts'
import { writeErrorsFile } from '../../batch/table/errors-file.ts'
import type { FileLayout } from '../../batch/table/read-progress.ts'
import { writeTemplate } from '../../batch/table/template.ts'
import { findLayout } from '../../batch/uploads/find-batch.ts'
import { visibilityOf } from '../../batch/uploads/owner-view.ts'
import { categories } from '../../declaration/schema.ts'
import type { Queryable } from '../../journal/reading/read-pool.ts'
import {
  errorsFilesMax,
  errorsFilesOfOneMax,
  errorsSheetRowsMax,
  pageUnitsMax,
} from '../../limits.ts'
import { requireAct } from '../auth/bearer.ts'
import { whileHolds } from '../auth/while-holds.ts'
import { Places } from '../overload/keyed-semaphore.ts'
import { entityTagHeader, streamed, withHeaders } from '../present/answers.ts'
import { batchUrl, hasErrorsFile, presentTotal, totalSchema } from '../present/present-batch.ts'
import { notModifiedSchema, problemSchema, textSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { sendUnlessKnown } from '../wire/conditional.ts'
import { onceClosed } from '../wire/once-closed.ts'
import { limitSchema } from '../wire/parameters.ts'
import { type BatchLookupContext, ownProgress, type WithBatchId } from './batch-status.ts'
import { batchIdSchema } from './tus.ts'
import { filerOf } from './upload-part.ts'

const problems = { '4xx': problemSchema, '5xx': problemSchema }

const mediaTypes = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  ndjson: 'application/x-ndjson',
  json: 'application/json; charset=utf-8',
} as const
type Format = keyof typeof mediaTypes
const tableFormats = ['csv', 'xlsx'] as const
const formatSchema = Type.Enum(tableFormats)

const errorsSchema = Type.Object(
  { format: Type.Optional(Type.Enum([...tableFormats, 'ndjson', 'json'])) },
  { additionalProperties: false },
)
const templateSchema = Type.Object(
  { format: Type.Optional(formatSchema), category: Type.Optional(Type.Enum(categories)) },
  { additionalProperties: false },
)
const pageSchema = Type.Object(
  {
    after: Type.Optional(
      Type.String({ pattern: '^[0-9A-Z]{0,18}_[0-9-]{0,7}_([0-9]{0,6}_)?[0-9]{1,9}$' }),
    ),
    limit: Type.Optional(limitSchema),
  },
  { additionalProperties: false },
)

const unitListSchema = Type.Object(
  {
    declarations: Type.Array(
      Type.Object({
        employer: Type.String({ description: 'Empty: the rows name none that is well-formed.' }),
        period: Type.String(),
        region: Type.Optional(
          Type.String({ description: 'Absent where the rows name none that is well-formed.' }),
        ),
        id: Type.Optional(Type.String({ description: 'Of the declaration, once it is filed.' })),
        filed: Type.Boolean(),
        replaces: Type.Optional(Type.String({ description: 'What a correction replaces.' })),
        total: Type.Optional(totalSchema),
        lines: Type.Integer(),
        row: Type.Optional(Type.Integer({ description: 'Of a declaration in NDJSON: its line.' })),
        rows: Type.Object({ good: Type.Integer(), setAside: Type.Integer() }),
        links: Type.Object({ declaration: Type.Optional(Type.String()) }),
      }),
    ),
    links: Type.Object({ next: Type.Optional(Type.String()) }),
  },
  { title: 'BatchDeclarations' },
)

/** As writeErrorTable writes it. */
const errorTableSchema = Type.Object(
  {
    batch: Type.String(),
    titles: Type.Array(Type.String()),
    position: Type.String({ description: 'The title of the column with positions, in a file.' }),
    rows: Type.Array(
      Type.Object({
        row: Type.Integer(),
        position: Type.String(),
        open: Type.Boolean({ description: 'It was not mended since.' }),
        cells: Type.Array(Type.String(), { description: 'As many as titles.' }),
        findings: Type.Array(
          Type.Object({
            ...{ code: Type.String(), severity: Type.Enum(['error', 'warning', 'hint']) },
            ...{ message: textSchema, fix: textSchema },
            legalBasis: Type.Optional(Type.String()),
            suggestion: Type.Optional(Type.String({ description: 'A value that would pass.' })),
            column: Type.Optional(Type.Integer({ description: 'Of cells, counted from 0.' })),
          }),
        ),
      }),
    ),
  },
  { title: 'BatchErrors' },
)

type Errors = WithBatchId & { Querystring: Static<typeof errorsSchema> }
type Page = WithBatchId & { Querystring: Static<typeof pageSchema> }
type Template = { Querystring: Static<typeof templateSchema> }

/** @param stop aborted when the process is about to end */
export function batchResultRoutes(
  app: FastifyInstance,
  context: BatchLookupContext,
  stop: AbortSignal,
): void {
  const onRequest = requireAct('look')
  const places = new Places(errorsFilesMax, errorsFilesOfOneMax)
  app.get<Page>('/v1/batches/:id/declarations', {
    onRequest,
    schema: {
      operationId: 'listBatchDeclarations',
      tags: ['batches'],
      summary: 'What was filed of a file',
      description:
        'Of mode check: what would be filed, with totals. One entry for each employer, period and region in it, or each line of NDJSON, ordered by employer, period and region, in pages: links.next is the next one.',
      params: batchIdSchema,
      querystring: pageSchema,
      response: {
        200: withHeaders(unitListSchema, entityTagHeader),
        304: notModifiedSchema,
        ...problems,
      },
    },
    handler: (request, reply) => listDeclarations(context, request, reply),
  })
  app.get<Errors>('/v1/batches/:id/errors', {
    exposeHeadRoute: false,
    onRequest: requireAct('open'),
    schema: {
      operationId: 'getBatchErrors',
      tags: ['batches'],
      summary: 'The rows that were set aside, as a file to mend',
      description:
        'Of CSV and XLSX, as csv (unless asked otherwise) or xlsx; of NDJSON, as ndjson, with row, declaration and errors on each line: its declarations, mended, are a file to send. Of tables: the original columns and cells, with each row’s number, what is wrong and how to mend it, in both languages; as json, the same for a page: what is wrong by column, suggestions, and which rows are open, as they were not mended since. Mended and sent as a batch of its own, in the same way as the first file, its rows are merged with what was filed of that: the whole replaces it. 406 as xlsx where they are more than a sheet has rows, 409 while the file is not checked yet, 404 where no row was set aside, 410 when they were deleted, 90 days after the batch ended.',
      params: batchIdSchema,
      querystring: errorsSchema,
      response: {
        200: streamed('The file.', Object.values(mediaTypes), errorTableSchema),
        ...problems,
      },
    },
    handler: (request, reply) => sendErrors(context, places, stop, request, reply),
  })
  app.get<Template>('/v1/batches/template', {
    schema: {
      operationId: 'getBatchTemplate',
      tags: ['batches'],
      summary: 'A file to fill in, with examples',
      security: [],
      querystring: templateSchema,
      response: {
        200: streamed(
          'The file.',
          tableFormats.map((format) => mediaTypes[format]),
        ),
        ...problems,
      },
    },
    handler: (request, reply) => sendTemplate(request, reply),
  })
}

async function listDeclarations(
  context: BatchLookupContext,
  request: FastifyRequest<Page>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { upload } = await ownProgress(context, request, request.params.id)
  const { query } = request
  const limit = Math.min(Number(query.limit ?? pageUnitsMax), pageUnitsMax)
  const filer = filerOf(request)
  const found = await listUnits(context.readPool.of(filer), upload.id, {
    ...{ after: placeOf(query.after), limit: limit + 1 },
    employers: visibilityOf(filer, upload) === 'all' ? undefined : [...filer.employers],
  })
  const page = found.slice(0, limit)
  const last = page.at(-1)
  request.seen = { ...request.seen, count: page.length }
  const more = found.length > limit && last !== undefined
  return sendUnlessKnown(request, reply, {
    declarations: page.map(
      ({ employer, period, region, entry, id, filed, replaces, lines, total, ...unit }) => ({
        ...{ employer, period, filed, lines },
        ...(region !== '' && { region }),
        ...(entry > 0 && { row: entry }),
        ...(filed && { id }),
        ...(replaces !== undefined && { replaces }),
        ...(total !== undefined && { total: presentTotal(total) }),
        rows: { good: unit.rowsGood, setAside: unit.rowsSetAside },
        links: filed ? { declaration: `/v1/declarations/${id}` } : {},
      }),
    ),
    links: more
      ? { next: `${batchUrl(upload.id)}/declarations?limit=${limit}&after=${cursorOf(last)}` }
      : {},
  })
}

function cursorOf({ employer, period, region, entry }: UnitKey): string {
  return `${employer}_${period}_${region}_${entry}`
}

function placeOf(cursor: string | undefined): UnitKey | undefined {
  if (cursor === undefined) return undefined
  const [employer = '', period = '', ...more] = cursor.split('_')
  // One that was given before there were regions has three.
  const [region = '', entry] = more.length === 1 ? ['', more[0]] : more
  return { employer, period, region, entry: Number(entry) }
}

async function sendErrors(
  context: BatchLookupContext,
  places: Places,
  stop: AbortSignal,
  request: FastifyRequest<Errors>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { readPool, sealingKeys } = context
  const reads = readPool.of(filerOf(request))
  const progress = await ownProgress(context, request, request.params.id)
  const { id, stage, subject } = progress.upload
  if (!hasErrorsFile(progress)) {
    if (isEnded(stage) || stage === 'filing' || stage === 'posting')
      return sendProblem(request, reply, 'ERRORS_FILE_ABSENT')
    return sendProblem(request, reply.header('retry-after', '5'), 'ERRORS_FILE_NOT_YET')
  }
  const layout = await findLayout(reads, sealingKeys, id)
  if (layout === undefined) return sendProblem(request, reply, 'ERRORS_FILE_FORGOTTEN')
  const format = formatOf(layout, request.query.format)
  if (format === undefined) return sendProblem(request, reply, 'ERRORS_FORMAT_OTHER')
  if (format === 'xlsx' && (progress.work?.rows.setAside ?? 0) > errorsSheetRowsMax)
    return sendProblem(request, reply, 'ERRORS_SHEET_FULL')
  const leave = places.enter(subject)
  if (leave === 'share')
    return sendProblem(request, reply.header('retry-after', '5'), 'STREAMS_TOO_MANY')
  if (leave === 'full') return sendProblem(request, reply, 'UNAVAILABLE')
  onceClosed(reply, leave)
  const filer = filerOf(request)
  const all = readErrorRows(reads, sealingKeys, id)
  const sight = visibilityOf(filer, progress.upload)
  const rows = until(stop, sight === 'all' ? all : rowsOfEmployers(all, filer.employers))
  return attachment(reply, format, `errors-${id.slice(0, 8)}`)
    .header('cache-control', 'no-store')
    .header('connection', 'close') // as of a stream of events
    .send(Readable.from(whileHolds(request, await writeErrors(reads, id, layout, format, rows))))
}

/** As it came; undefined for a format that it can't be written in. */
function formatOf({ kind }: FileLayout, asked: Format | undefined): Format | undefined {
  if (kind === 'declarations')
    return asked === undefined || asked === 'ndjson' ? 'ndjson' : undefined
  return asked === 'ndjson' ? undefined : (asked ?? 'csv')
}

async function writeErrors(
  reads: Queryable,
  batch: string,
  layout: FileLayout,
  format: Format,
  rows: AsyncIterable<ErrorRow>,
): Promise<AsyncGenerator<Buffer>> {
  if (layout.kind === 'declarations' || format === 'ndjson') return writeErrorLines(rows)
  const { header } = layout
  if (format === 'json')
    return writeErrorTable({ batch, header, rows, open: await findOpenRows(reads, batch) })
  return writeErrorsFile({ format, batch, header, rows: errorsFileRows(rows, header) })
}

/** A file that is not whole breaks off: who fetches it must see that. */
async function* until(stop: AbortSignal, rows: AsyncIterable<ErrorRow>): AsyncGenerator<ErrorRow> {
  for await (const row of rows) {
    stop.throwIfAborted()
    yield row
  }
}

/** The same for everybody: each is made once. */
const templates = new Map<string, Promise<Buffer>>()

async function sendTemplate(
  { query }: FastifyRequest<Template>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { format = 'xlsx', category = 'employee' } = query
  const name = `template-${category}`
  const made = templates.get(`${name}.${format}`) ?? collect(writeTemplate({ format, category }))
  templates.set(`${name}.${format}`, made)
  return attachment(reply, format, name)
    .header('cache-control', 'public, max-age=3600')
    .send(await made)
}

async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

function attachment(reply: FastifyReply, format: Format, name: string): FastifyReply {
  return reply
    .type(mediaTypes[format])
    .header('content-disposition', `attachment; filename="${name}.${format}"`)
}
