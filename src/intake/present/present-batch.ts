/**
 * A batch as its sender sees it.
 */

import Type, { type Static } from 'typebox'
import { cellOf, type FileFinding, writeFileFinding } from '../../batch/findings/file-findings.ts'
import type { TotalFen } from '../../batch/staging/unit-totals.ts'
import { requestedKinds } from '../../batch/state/requested-kind.ts'
import { isEnded, type Stage, stages } from '../../batch/state/stages.ts'
import { expiryMicros, fileFormats, filingModes } from '../../batch/state/upload.ts'
import {
  estimatedEndMicros,
  percentOf,
  throughputOf,
} from '../../batch/status/progress-estimate.ts'
import { writeInSheetWords } from '../../batch/table/sheet-words.ts'
import type { BatchState, WorkProgress, WouldFile } from '../../batch/uploads/progress.ts'
import { formatFen } from '../../declaration/money.ts'
import { formatInstant } from '../../declaration/period.ts'
import { batchReceiptText } from '../../journal/receipts/batch-receipt.ts'
import { batchExample } from './examples.ts'
import { textSchema } from './schemas.ts'

const instant = Type.String({ examples: ['2024-11-23T16:20:01.123000+08:00'] })

const progressSchema = Type.Object({
  percent: Type.Optional(
    Type.Number({ description: 'Of the whole way, from the first byte to the last row posted.' }),
  ),
  rows: Type.Optional(
    Type.Object(
      {
        read: Type.Integer(),
        good: Type.Integer(),
        setAside: Type.Integer({ description: 'Not filed: links.errors has them.' }),
        filed: Type.Integer(),
        posted: Type.Integer(),
      },
      { description: 'How many of the file’s rows came through each step.' },
    ),
  ),
  declarations: Type.Optional(Type.Integer({ description: 'Filed.' })),
  deadLetters: Type.Optional(
    Type.Integer({ description: 'Filed, and could not be posted yet: the operator sees to them.' }),
  ),
  rate: Type.Optional(
    Type.Object(
      { of: Type.Enum(['bytes', 'rows']), perSecond: Type.Integer() },
      { description: 'Of the stage that it is in.' },
    ),
  ),
  estimatedEnd: Type.Optional(
    Type.String({ description: 'When all is posted, if it goes on as it did so far.' }),
  ),
})

/** When each stage was over. */
const reachedSchema = Type.Object({
  began: Type.Optional(instant),
  read: Type.Optional(instant),
  checked: Type.Optional(instant),
  filed: Type.Optional(instant),
  posted: Type.Optional(instant),
})

export const totalSchema = Type.Object(
  { employer: Type.String(), employee: Type.String() },
  { description: 'Yuan, as it would be assessed.' },
)

const wouldFileSchema = Type.Object(
  { declarations: Type.Integer(), lines: Type.Integer(), total: totalSchema },
  { description: 'Of mode check, once it is checked; of each employer: links.declarations.' },
)

const fileFindingSchema = Type.Object(
  {
    code: Type.String({ examples: ['COLUMN_MISSING'] }),
    severity: Type.Enum(['error', 'warning', 'hint']),
    place: Type.Object({
      sheet: Type.Optional(Type.String()),
      row: Type.Optional(Type.Integer()),
      column: Type.Optional(Type.String()),
      pointer: Type.Optional(Type.String({ description: 'Of a line of NDJSON: JSON Pointer.' })),
      cell: Type.Optional(Type.String({ description: 'A1 notation.', examples: ['C3'] })),
    }),
    message: textSchema,
    fix: textSchema,
    legalBasis: Type.Optional(Type.String()),
    suggestion: Type.Optional(Type.String({ description: 'A value that would pass.' })),
  },
  { title: 'FileFinding' },
)

export const batchReceiptSchema = Type.Object(
  {
    statement: Type.Record(Type.String(), Type.Unknown()),
    signed: Type.String({ description: 'Compact JWS, alg Ed25519, over the statement.' }),
  },
  {
    title: 'BatchReceipt',
    description:
      'Signed proof that the whole file is here; verifies offline, like those of filings.',
  },
)

export const batchSchema = Type.Object(
  {
    id: Type.String(),
    stage: Type.Enum(stages),
    employer: Type.Optional(Type.String()),
    period: Type.String(),
    region: Type.String(),
    kind: Type.Enum(requestedKinds),
    format: Type.Optional(Type.Enum(fileFormats)),
    mode: Type.Enum(filingModes),
    filename: Type.Optional(Type.String()),
    size: Type.Optional(Type.Integer({ description: 'Bytes of the whole file.' })),
    received: Type.Integer({ description: 'Bytes that are durable: the file goes on there.' }),
    percent: Type.Optional(Type.Number()),
    sha256: Type.Optional(Type.String({ description: 'Of the whole file, once it is here.' })),
    createdAt: instant,
    receivedAt: Type.Optional(instant),
    expiresAt: Type.Optional(
      Type.String({ description: 'When it is given up, if nothing more comes.' }),
    ),
    receipt: Type.Optional(batchReceiptSchema),
    progress: progressSchema,
    reached: Type.Optional(reachedSchema),
    wouldFile: Type.Optional(wouldFileSchema),
    findings: Type.Optional(
      Type.Array(fileFindingSchema, {
        description:
          'Of the file as a whole, and of mode check also what rows are warned of; the first 200.',
      }),
    ),
    links: Type.Object({
      self: Type.String(),
      receipt: Type.Optional(Type.String()),
      file: Type.Optional(Type.String({ description: 'Where its bytes go: a tus 1.0 upload.' })),
      amends: Type.Optional(
        Type.String({ description: 'The batch whose rows that were set aside it has, mended.' }),
      ),
      sameAs: Type.Optional(
        Type.String({ description: 'The batch that brought this file first.' }),
      ),
      events: Type.Optional(
        Type.String({ description: 'Server-sent events, until it has ended.' }),
      ),
      declarations: Type.Optional(
        Type.String({ description: 'What was filed of it; of mode check, what would be.' }),
      ),
      errors: Type.Optional(Type.String({ description: 'The rows set aside, to be mended.' })),
      slot: Type.Optional(Type.String({ description: 'The slot that it has.' })),
    }),
  },
  { title: 'Batch', examples: [batchExample] },
)

export const batchListSchema = Type.Object(
  {
    batches: Type.Array(batchSchema),
    links: Type.Object({ next: Type.Optional(Type.String()) }),
  },
  { title: 'BatchList' },
)

export const batchUrl = (id: string) => `/v1/batches/${id}`
export const slotUrl = (id: string) => `/v1/slots/${id}`
const receiptUrl = (id: string) => `${batchUrl(id)}/receipt`
export const fileUrl = (id: string) => `${batchUrl(id)}/file`

export function presentBatch(progress: BatchState): Static<typeof batchSchema> {
  const { upload, work } = progress
  const { id, stage, employer, period, region, kind, format, mode, size, received } = upload
  const { fileName, digest, sameAs, amends, receipt, receivedAtMicros } = upload
  const receiving = stage === 'receiving'
  return {
    ...{ id, stage, period, region, kind, mode, received },
    ...(employer !== undefined && { employer }),
    ...(format !== undefined && { format }),
    ...(fileName !== undefined && { filename: fileName }),
    ...(size !== undefined && { size, percent: Math.floor((1_000 * received) / size) / 10 }),
    ...(digest !== undefined && { sha256: digest.toString('hex') }),
    createdAt: formatInstant(upload.createdAtMicros),
    ...(receivedAtMicros !== undefined && { receivedAt: formatInstant(receivedAtMicros) }),
    ...(receiving && { expiresAt: formatInstant(expiryMicros(upload)) }),
    progress: presentProgress(progress),
    ...(work !== undefined && presentWork(work)),
    links: {
      self: batchUrl(id),
      ...(receiving && { file: fileUrl(id) }),
      ...(receipt !== undefined && { receipt: receiptUrl(id) }),
      ...(amends !== undefined && { amends: batchUrl(amends) }),
      ...(sameAs !== undefined && { sameAs: batchUrl(sameAs) }),
      ...(upload.slot !== undefined && { slot: slotUrl(upload.slot) }),
      ...(!isEnded(stage) && { events: `${batchUrl(id)}/events` }),
      ...((isFiled(stage) || stage === 'checked' || isFiledInPart(progress)) && {
        declarations: `${batchUrl(id)}/declarations`,
      }),
      ...(hasErrorsFile(progress) && { errors: `${batchUrl(id)}/errors` }),
    },
  }
}

/** With the receipt itself, where one is told; not with every event. */
export function presentWithReceipt(progress: BatchState): Static<typeof batchSchema> {
  const { receipt } = progress.upload
  const batch = presentBatch(progress)
  return receipt === undefined
    ? batch
    : { ...batch, receipt: JSON.parse(batchReceiptText(receipt)) }
}

/** Rows were set aside, and all of them are known. */
export function hasErrorsFile({ upload: { stage }, work }: BatchState): boolean {
  return (
    (isFiled(stage) || stage === 'refused' || stage === 'checked') &&
    work !== undefined &&
    work.rows.setAside > 0
  )
}

function isFiled(stage: Stage): boolean {
  return stage === 'filing' || stage === 'posting' || stage === 'posted'
}

/** An operator cancelled it when some of it was filed. */
function isFiledInPart({ upload: { stage }, work }: BatchState): boolean {
  return stage === 'cancelled' && work !== undefined && work.rows.filed > 0
}

function presentProgress(progress: BatchState): Static<typeof progressSchema> {
  const { work } = progress
  const percent = percentOf(progress)
  const rate = throughputOf(progress)
  const estimatedEnd = estimatedEndMicros(progress)
  return {
    ...(percent !== undefined && { percent }),
    ...(work !== undefined && {
      rows: work.rows,
      declarations: work.declarations,
      deadLetters: work.deadLetters,
    }),
    ...(rate !== undefined && { rate }),
    ...(estimatedEnd !== undefined && { estimatedEnd: formatInstant(estimatedEnd) }),
  }
}

function presentWork({ at, findings, wouldFile }: WorkProgress) {
  const { began, read, checked, filed, posted } = at
  const reached = Object.entries({ began, read, checked, filed, posted }).flatMap(
    ([name, micros]) => (micros === undefined ? [] : [[name, formatInstant(micros)]]),
  )
  return {
    reached: Object.fromEntries(reached) as Static<typeof reachedSchema>,
    ...(wouldFile !== undefined && { wouldFile: presentWouldFile(wouldFile) }),
    findings: findings.map(presentFinding),
  }
}

function presentWouldFile({ declarations, lines, ...total }: WouldFile) {
  return { declarations, lines, total: presentTotal(total) }
}

export function presentTotal({ employerFen, employeeFen }: TotalFen): Static<typeof totalSchema> {
  return { employer: formatFen(employerFen), employee: formatFen(employeeFen) }
}

/** Of a cell, in the words of its sheet. */
function presentFinding(finding: FileFinding): Static<typeof fileFindingSchema> {
  const { place, ...written } = writeFileFinding(finding)
  const { sheet, row, column, pointer } = place
  const cell = cellOf(place)
  const ofCell = pointer !== undefined && cell !== undefined
  const { message, fix, suggestion } = ofCell
    ? writeInSheetWords(finding)
    : { ...written, suggestion: finding.params?.suggestion }
  return {
    ...{ ...written, message, fix },
    ...(suggestion !== undefined && { suggestion: String(suggestion) }),
    place: {
      ...(sheet !== undefined && { sheet }),
      ...(row !== undefined && { row }),
      ...(column !== undefined && { column }),
      ...(pointer !== undefined && cell === undefined && { pointer }),
      ...(cell !== undefined && { cell }),
    },
  }
}
