/**
 * The OpenAPI document, made of the schemas that the routes have: there is no second description to keep in step.
 * What generators of clients need and Fastify's own document lacks is added here, from the schemas alone:
 *
 * | of a route | becomes |
 * |---|---|
 * | a schema with a `title` | a named schema, to which routes refer |
 * | responses 4xx and 5xx | problem documents by their media type; 429 and 503 with Retry-After |
 * | a response without a description | one that says what its status means |
 * | a parameter that must be given | one with an example, the same on every route |
 */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { refusals } from './present/refusals.ts'
import { problemSchema } from './present/schemas.ts'

/** What calls are about, in the order of a filer's job. */
const tags = [
  { name: 'declarations', description: 'File, check, look up and explain declarations.' },
  { name: 'batches', description: 'Files with many declarations, sent in parts (tus 1.0).' },
  { name: 'slots', description: 'Times in which large files go first.' },
  { name: 'employers', description: 'What is known of an employer.' },
  { name: 'policies', description: 'The parameters in force, with their sources.' },
  { name: 'reference', description: 'What findings mean; the public keys of receipts.' },
  { name: 'session', description: 'The session of a browser that is signed in to the portal.' },
  { name: 'service', description: 'How the service is.' },
] as const

/** Of statuses whose routes say nothing more of them. */
const meanings: Readonly<Record<string, string>> = {
  '200': 'The answer.',
  '201': 'It is begun; Location is where it goes on.',
  '202': 'It is accepted, and durable.',
}

/** Of parameters that must be given: with these, "Execute" on /documentation answers. */
const parameterExamples: Readonly<Record<string, string>> = {
  employer: '91350100M000100Y43',
  uscc: '91350100M000100Y43',
  period: '2025-08',
  region: '340100',
  since: '2024-01-01',
  code: 'ID_CHECK_DIGIT',
}

type Node = { [name: string]: unknown }
type Response = { description?: string; $ref?: string }
type Parameter = { name: string; required?: boolean; example?: unknown }
type Operation = {
  operationId?: string
  responses?: Record<string, Response>
  parameters?: Parameter[]
}
type Document = {
  paths?: Record<string, Record<string, Operation>>
  components?: Node & { schemas?: Node }
}

export async function describe(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Spillway',
        description:
          'Files social-insurance contribution declarations (缴费申报), each exactly once. Texts are in Chinese and English; amounts are texts in yuan.',
        version: '1',
        license: { name: 'UNLICENSED', identifier: 'LicenseRef-UNLICENSED' },
      },
      servers: [{ url: '/', description: 'The intake that serves this document.' }],
      tags: [...tags],
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      },
      security: [{ bearer: [] }],
    },
    transformObject: (made) => {
      const document = 'openapiObject' in made ? made.openapiObject : made.swaggerObject
      return completed(document as Document) as typeof document
    },
  })
  await app.register(swaggerUi, { routePrefix: '/documentation' })
}

function completed(document: Document): Document {
  for (const path of Object.values(document.paths ?? {}))
    for (const operation of Object.values(path)) complete(operation)
  const schemas: Node = {}
  named(problemSchema, schemas)
  const paths = named(document.paths, schemas) as Document['paths'] & object
  return {
    ...document,
    paths,
    components: {
      ...document.components,
      schemas: { ...document.components?.schemas, ...sorted(schemas) },
      responses: refusals,
    },
  }
}

const sorted = (node: Node): Node =>
  Object.fromEntries(Object.entries(node).sort(([one], [other]) => (one < other ? -1 : 1)))

function complete(operation: Operation): void {
  const { responses = {}, parameters = [], operationId } = operation
  // @fastify/swagger takes each HEAD for one of a GET, and adds to its name.
  if (operationId !== undefined) operation.operationId = operationId.replace(/-head$/, '')
  for (const parameter of parameters) {
    const example = parameterExamples[parameter.name]
    if (parameter.required && example !== undefined) parameter.example ??= example
  }
  for (const [status, response] of Object.entries(responses))
    if (response.description === 'Default Response')
      response.description = meanings[status] ?? 'The answer.'
  if (responses['4XX'] === undefined) return
  responses['4XX'] = reference('Refused')
  if (responses['503'] !== undefined) return // of a route that is never given up, and tells by it
  responses['429'] = reference('ShareExceeded')
  responses['503'] = reference('Unavailable')
  responses['5XX'] = reference('Failed')
}

const reference = (name: keyof typeof refusals) => ({ $ref: `#/components/responses/${name}` })

/** What has values and no schemas. */
const values = new Set(['example', 'examples', 'const', 'enum', 'default'])

/**
 * The same with a reference in place of each schema that has a title; these go to `schemas`.
 * @throws where two schemas that differ have one title
 */
function named(value: unknown, schemas: Node): unknown {
  if (Array.isArray(value)) return value.map((one) => named(one, schemas))
  if (typeof value !== 'object' || value === null) return value
  const { title } = value as Node
  const isNamed = typeof title === 'string' && ('type' in value || 'anyOf' in value)
  // @fastify/swagger moves the examples of a whole body to its media type.
  const dropped = isNamed ? ['title', 'example', 'examples'] : []
  const members = Object.entries(value).filter(([name]) => !dropped.includes(name))
  const schema = Object.fromEntries(
    members.map(([name, member]) => [name, values.has(name) ? member : named(member, schemas)]),
  )
  if (!isNamed) return schema
  const known = schemas[title]
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema))
    throw new Error(`Two schemas of the API are named ${title} and differ.`)
  schemas[title] = schema
  return { $ref: `#/components/schemas/${title}` }
}
