/**
 * Parameters of paths and queries: what each may be, in words that a caller is told when it is something
 * else. One name means the same on every route.
 */
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { Check } from 'typebox/value'
import type { Text } from '../../declaration/catalogue/entry.ts'
import { showableName } from '../../declaration/json-limits.ts'
import type { ProblemDetails } from '../problems/problems.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'

/** A day that there is, `YYYY-MM-DD`. */
export const daySchema = Type.String({ format: 'date', pattern: '^\\d{4}-\\d{2}-\\d{2}$' })
/** How many entries a page of a list has. */
export const limitSchema = Type.String({ pattern: '^[1-9][0-9]{0,2}$' })

const day: Text = { 'zh-CN': '实际存在的日期，如 2024-11-23', en: 'a day such as 2024-11-23' }
const cursor: Text = {
  'zh-CN': '上一页 links.next 中给出的值，请勿自行填写',
  en: 'the value in links.next of the page before, never one of your own',
}

/** What a parameter may be, where its schema has no list of values. */
const allowedTexts: Readonly<Record<string, Text>> = {
  employer: {
    'zh-CN': '18 位统一社会信用代码',
    en: 'a unified social credit code of 18 characters',
  },
  uscc: {
    'zh-CN': '18 位统一社会信用代码',
    en: 'a unified social credit code of 18 characters',
  },
  period: { 'zh-CN': '年月，如 2024-11', en: 'a month such as 2024-11' },
  region: { 'zh-CN': '统筹区代码，如 340100', en: 'a region such as 340100' },
  on: day,
  since: day,
  before: cursor,
  after: cursor,
  limit: { 'zh-CN': '1 至 999 的整数', en: 'a whole number from 1 to 999' },
  line: { 'zh-CN': '从 1 起的行号', en: 'the number of a line, from 1' },
  row: { 'zh-CN': '文件中的行号', en: 'the number of a row of the file' },
  count: { 'zh-CN': '0 至 999 的整数', en: 'a whole number from 0 to 999' },
  id: { 'zh-CN': '受理时返回的编号', en: 'the id that was answered when it was accepted' },
  code: { 'zh-CN': '提示或问题的代码', en: 'the code of a finding or a problem' },
}

type ObjectSchema = {
  readonly properties?: Readonly<Record<string, { readonly enum?: readonly unknown[] }>>
  readonly required?: readonly string[]
}

/** Parameters are checked by the same library as declarations; nothing is coerced or stripped. */
export function checkParameters(app: FastifyInstance): void {
  app.setValidatorCompiler(({ schema }) => {
    const compiled = Compile(schema as Parameters<typeof Compile>[0])
    return (data: unknown) =>
      compiled.Check(data)
        ? { value: data }
        : {
            error: new RefusedRequestError(
              'PARAMETER_INVALID',
              faultOf(schema as ObjectSchema, data),
            ),
          }
  })
}

/** The first parameter that is not what it may be. */
function faultOf({ properties = {}, required = [] }: ObjectSchema, data: unknown): ProblemDetails {
  const given = (data ?? {}) as Record<string, unknown>
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(properties, name))
  if (unknown !== undefined)
    return {
      ...(showableName.test(unknown) && { parameter: unknown }),
      allowed: namesOf(properties),
    }
  const wrong = Object.entries(properties).find(([name, schema]) =>
    given[name] === undefined ? required.includes(name) : !Check(schema as never, given[name]),
  )
  if (wrong === undefined) return {}
  const [name, schema] = wrong
  return { parameter: name, allowed: allowedOf(name, schema.enum) }
}

function allowedOf(name: string, values: readonly unknown[] | undefined): Text {
  if (values !== undefined) {
    const list = values.join('、')
    return { 'zh-CN': list, en: values.join(', ') }
  }
  return allowedTexts[name] ?? { 'zh-CN': '见 /documentation', en: 'see /documentation' }
}

function namesOf(properties: object): Text {
  const names = Object.keys(properties)
  if (names.length === 0)
    return { 'zh-CN': '此地址没有查询参数', en: 'this address has no query parameters' }
  return {
    'zh-CN': `可用的参数：${names.join('、')}`,
    en: `the parameters are ${names.join(', ')}`,
  }
}
