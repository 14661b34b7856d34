/** What every route may answer instead, as the OpenAPI document has it: problem documents, with real examples. */
import type { Shed } from '../overload/admission.ts'
import { shedProblem } from '../overload/shed.ts'
import { problemKinds } from '../problems/problem-kinds.ts'

const traceId = '5f0c7a52-3c8e-4b35-9f0a-2f7f0c1d9e11'

const retryAfter = {
  description: 'Whole seconds after which to send the same request again.',
  schema: { type: 'integer', minimum: 0, examples: [7] },
}
const rateLimit = {
  description: 'draft-ietf-httpapi-ratelimit-headers: what is left (r), and until when (t).',
  schema: { type: 'string', examples: ['"filings";r=0;t=7'] },
}

const problemContent = (example: unknown) => ({
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example },
})

export const refusals = {
  Refused: {
    description: 'It is refused; nothing was kept. `code` says why, `fix` what to do.',
    content: problemContent(problemOf('IDEMPOTENCY_KEY_MISSING')),
  },
  ShareExceeded: {
    description: 'More than this caller’s share is under way: the same again, after Retry-After.',
    headers: { 'Retry-After': retryAfter, RateLimit: rateLimit },
    content: problemContent(shedOf({ class: 'filings', reason: 'share' })),
  },
  Unavailable: {
    description:
      'There is no room now, or it can’t be done now: the same again, after Retry-After. A filing that named its content gets an attempt ticket.',
    headers: { 'Retry-After': retryAfter, RateLimit: rateLimit },
    content: problemContent(shedOf({ class: 'filings', reason: 'journal' })),
  },
  Failed: {
    description: 'It could not be done; the same request may be sent again.',
    content: problemContent(problemOf('INTERNAL')),
  },
} as const

function problemOf(code: 'IDEMPOTENCY_KEY_MISSING' | 'INTERNAL') {
  const { status, title, fix } = problemKinds[code]
  const detail = `${title.en}. ${fix.en}`
  const type = `/v1/findings/${code}`
  return { type, title: title.en, status, detail, code, message: title, fix, traceId }
}

function shedOf(shed: Shed): unknown {
  return JSON.parse(Buffer.from(shedProblem(shed, 'en', traceId, {}), 'latin1').toString())
}
