/**
 * A batch as its sender sees it.
 */
import Type, { type Static } from 'typebox'
import { stages } from '../batch/stages.ts'
import { formats, modes, type Upload } from '../batch/upload.ts'
import { formatInstant } from '../declaration/period.ts'
import { declarationKinds } from '../declaration/schema.ts'
import { uploadIdleMsMax } from '../limits.ts'

const instant = Type.String({ examples: ['2024-11-23T16:20:01.123000+08:00'] })

export const batchSchema = Type.Object({
  id: Type.String(),
  stage: Type.Enum(stages),
  employer: Type.Optional(Type.String()),
  period: Type.String(),
  region: Type.String(),
  kind: Type.Enum(declarationKinds),
  format: Type.Optional(Type.Enum(formats)),
  mode: Type.Enum(modes),
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
  links: Type.Object({
    self: Type.String(),
    file: Type.Optional(Type.String({ description: 'Where its bytes go: a tus 1.0 upload.' })),
    sameAs: Type.Optional(Type.String({ description: 'The batch that brought this file first.' })),
  }),
})

export const batchListSchema = Type.Object({
  batches: Type.Array(batchSchema),
  links: Type.Object({ next: Type.Optional(Type.String()) }),
})

export const batchUrl = (id: string) => `/v1/batches/${id}`
export const fileUrl = (id: string) => `${batchUrl(id)}/file`

export function presentBatch(upload: Upload): Static<typeof batchSchema> {
  const { id, stage, employer, period, region, kind, format, mode, size, received } = upload
  const { fileName, digest, sameAs, receivedAtMicros } = upload
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
    links: {
      self: batchUrl(id),
      ...(receiving && { file: fileUrl(id) }),
      ...(sameAs !== undefined && { sameAs: batchUrl(sameAs) }),
    },
  }
}

export function expiryMicros({ touchedAtMicros }: Upload): number {
  return touchedAtMicros + 1_000 * uploadIdleMsMax
}
