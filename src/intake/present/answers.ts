/** Parts of what routes say of their answers: headers, no content, a file. They are documentation alone. */
import Type, { type TSchema } from 'typebox'

type Headers = Readonly<Record<string, object>>

const header = (description: string, example: string) => ({
  type: 'string',
  description,
  examples: [example],
})

export const locationHeader = {
  Location: header('Where what was made is.', '/v1/slots/0192f0c8-7c1e-7d7a-9d0b-3f5e2a6c1b48'),
}
export const replayedHeader = {
  'Idempotency-Replayed': header('true, where an earlier request with the key did it.', 'true'),
}
export const entityTagHeader = {
  ETag: header('For If-None-Match.', '"kQ3T5bPmXoWc1sYz7uJd9A"'),
}
export const retryHeader = {
  'Retry-After': header('While it is under way: seconds after which to ask again.', '2'),
  'Preference-Applied': header('Of Prefer: wait=N, what was granted.', 'wait=10'),
}
export const versionHeader = { 'Tus-Resumable': header('The version of tus.', '1.0.0') }
export const offsetHeaders = {
  ...versionHeader,
  'Upload-Offset': header('Bytes of the file that are here.', '262144'),
  'Upload-Expires': header(
    'When it is given up, if nothing more comes.',
    'Mon, 07 Dec 2026 16:00:00 GMT',
  ),
}
export const abilityHeaders = {
  ...versionHeader,
  'Tus-Version': header('Versions that are spoken.', '1.0.0'),
  'Tus-Extension': header('Extensions that are spoken.', 'creation,checksum,termination'),
  'Tus-Max-Size': header('Bytes of a file at most.', '536870912'),
  'Tus-Checksum-Algorithm': header('For Upload-Checksum.', 'sha1,sha256'),
}

export function withHeaders(schema: TSchema, headers: Headers): object {
  return { ...schema, headers }
}

/** An answer without content. */
export function nothing(description: string, headers: Headers = {}): object {
  return withHeaders(Type.Null({ description }), headers)
}

/** An answer that is streamed, by media type; JSON has a schema. */
export function streamed(description: string, types: readonly string[], json?: TSchema): object {
  const { examples } = (json ?? {}) as { examples?: readonly unknown[] }
  const content = types.map((type) =>
    type.startsWith('application/json') && json
      ? [type, { schema: json, ...(examples && { example: examples[0] }) }]
      : [type, { schema: { type: 'string' } }],
  )
  return { description, content: Object.fromEntries(content) }
}
