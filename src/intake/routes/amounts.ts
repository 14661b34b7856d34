/**
 * GET /v1/declarations/{id}/amounts: what each person of a declaration comes to, for payslips, in the order
 * of its lines, with the rows of the file that it came in. Names and numbers are what the filer filed: they
 * are opened for who may read the declaration, on the way out, and are never kept or logged.
 */

import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Text } from '../../declaration/catalogue/entry.ts'
import { formatFen } from '../../declaration/money.ts'
import { writeCsv } from '../../formats/csv-writer.ts'
import { employerOf, type FoundDeclaration, readAccepted } from '../../journal/reading/read.ts'
import type { ReadPool } from '../../journal/reading/read-pool.ts'
import {
  type JournalAccess,
  type PersonAmounts,
  personAmounts,
} from '../../ledger/person-amounts.ts'
import { errorsFilesMax, errorsFilesOfOneMax } from '../../limits.ts'
import { insurances } from '../../policy/pack.ts'
import { presentAmounts } from '../../policy/present.ts'
import { readsOf, requireAct } from '../auth/bearer.ts'
import { whileHolds } from '../auth/while-holds.ts'
import { Places } from '../overload/keyed-semaphore.ts'
import { locationHeader, nothing, streamed } from '../present/answers.ts'
import { problemSchema } from '../present/schemas.ts'
import { languageOf } from '../problems/language.ts'
import { sendProblem } from '../problems/problems.ts'
import { onceClosed } from '../wire/once-closed.ts'
import { noStore } from './lookup.ts'

const paramsSchema = Type.Object({ id: Type.String({ maxLength: 40 }) })
const querySchema = Type.Object(
  { format: Type.Optional(Type.Enum(['csv', 'json'])) },
  { additionalProperties: false },
)

/** As jsonOf writes it. */
const amountsSchema = Type.Object(
  {
    id: Type.String(),
    lines: Type.Array(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'line, row, person, category, amounts and total of one person.',
      }),
    ),
    links: Type.Object({ declaration: Type.String() }),
  },
  { title: 'PersonAmounts' },
)

type Asked = { Params: Static<typeof paramsSchema>; Querystring: Static<typeof querySchema> }

type AmountsDependencies = Omit<JournalAccess, 'readPool'> & { readonly readPool: ReadPool }

export function amountsRoute(app: FastifyInstance, access: AmountsDependencies): void {
  const places = new Places(errorsFilesMax, errorsFilesOfOneMax)
  app.get<Asked>('/v1/declarations/:id/amounts', {
    exposeHeadRoute: false,
    onRequest: requireAct('open'),
    schema: {
      operationId: 'getAmounts',
      tags: ['declarations'],
      summary: 'What each person of a declaration comes to, for payslips',
      description:
        'One entry for each line, in their order: row is that of the file it came in, absent where it came alone. As JSON, or ?format=csv with titles in the language of Accept-Language; a cell that a spreadsheet would run or shorten has an apostrophe before it. By the pack that counts now, after reassessments too. What the employer pays for the unit as a whole is no person’s: the status has it. ?line= of the explanation takes the line told here. Streamed: a file that breaks off is not whole.',
      params: paramsSchema,
      querystring: querySchema,
      response: {
        200: streamed('The persons.', ['application/json', 'text/csv'], amountsSchema),
        303: nothing('Location has the amounts of the whole.', locationHeader),
        '4xx': problemSchema,
        '5xx': problemSchema,
      },
    },
    handler: (request, reply) => send(access, places, request, reply),
  })
}

async function send(
  dependencies: AmountsDependencies,
  places: Places,
  request: FastifyRequest<Asked>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { id } = request.params
  const access = { ...dependencies, readPool: readsOf(request, dependencies.readPool) }
  const found = await readAccepted(access.readPool, access.sealingKeys, id, request.reach)
  if (found === undefined) return sendProblem(request, reply, 'NOT_FOUND')
  request.seen = { employer: employerOf(found) }
  const whole = wholeOf(found)
  if (whole !== id) return noStore(reply).redirect(`/v1/declarations/${whole}/amounts`, 303)
  const leave = places.enter(request.filer?.subject ?? '')
  if (leave === 'share')
    return sendProblem(request, reply.header('retry-after', '5'), 'STREAMS_TOO_MANY')
  if (leave === 'full') return sendProblem(request, reply, 'UNAVAILABLE')
  onceClosed(reply, leave)
  const persons = personAmounts(access, found as FoundDeclaration)
  const csv = request.query.format === 'csv'
  const content = csv ? writeCsv(rowsOf(persons, languageOf(request))) : jsonOf(id, persons)
  if (csv) reply.header('content-disposition', `attachment; filename="amounts-${id}.csv"`)
  return noStore(reply)
    .type(csv ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8')
    .send(Readable.from(whileHolds<Buffer | string>(request, content)))
}

/** What a reassessment is of, and the declaration of a part. */
function wholeOf(found: Exclude<Awaited<ReturnType<typeof readAccepted>>, undefined>): string {
  if ('order' in found) return found.order.reassesses
  return found.part?.of ?? found.id
}

const titles: Readonly<Record<keyof Text, readonly string[]>> = {
  'zh-CN': ['序号', '文件行号', '姓名', '证件类型', '证件号码', '参保类别'],
  en: ['line', 'row', 'name', 'id_type', 'id_number', 'category'],
}
const titlesOfAmounts: Readonly<Record<keyof Text, readonly string[]>> = {
  'zh-CN': ['养老保险', '医疗保险（含生育）', '失业保险', '工伤保险'].flatMap((insurance) =>
    ['缴费基数', '单位', '个人'].map((what) => `${insurance}${what}`),
  ),
  en: insurances.flatMap((insurance) =>
    ['base', 'employer', 'employee'].map((what) => `${insurance.replace('-', '_')}_${what}`),
  ),
}
const titlesOfTotals: Readonly<Record<keyof Text, readonly string[]>> = {
  'zh-CN': ['单位合计', '个人合计'],
  en: ['total_employer', 'total_employee'],
}

async function* rowsOf(
  persons: AsyncIterable<PersonAmounts>,
  language: keyof Text,
): AsyncGenerator<readonly string[]> {
  yield [...titles[language], ...titlesOfAmounts[language], ...titlesOfTotals[language]]
  for await (const { line, row, declared, amounts } of persons) {
    const { idType, idNumber, name } = declared.person
    const { total } = presentAmounts(amounts)
    yield [
      ...[`${line}`, `${row ?? ''}`, name, idType, idNumber, declared.category],
      ...amounts
        .flatMap(({ baseFen, employerFen, employeeFen }) => [baseFen, employerFen, employeeFen])
        .map(formatFen),
      ...[total.employer, total.employee],
    ]
  }
}

async function* jsonOf(id: string, persons: AsyncIterable<PersonAmounts>): AsyncGenerator<string> {
  yield `{"id":${JSON.stringify(id)},"lines":[`
  let separator = ''
  for await (const { line, row, declared, amounts } of persons) {
    const { person, category } = declared
    yield separator + JSON.stringify({ line, row, person, category, ...presentAmounts(amounts) })
    separator = ','
  }
  yield `],"links":{"declaration":${JSON.stringify(`/v1/declarations/${id}`)}}}`
}
