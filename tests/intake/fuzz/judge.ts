/** What holds of every answer, whatever was asked. */
import { catalogue } from '../../../src/declaration/catalogue/catalogue.ts'
import { problemKinds } from '../../../src/intake/problems/problem-kinds.ts'
import type { Answer } from './exchange.ts'
import { planted } from './hostile.ts'

type Member = Readonly<Record<string, unknown>>

/** @returns what is wrong with it, each in some words; nothing where it is as it should be */
export function faultsOf(method: string, answer: Answer): string[] {
  const { status, headers, body } = answer
  const faults: string[] = []
  if (headers['x-content-type-options'] !== 'nosniff') faults.push('no nosniff')
  if (status < 400) return faults
  if (status >= 500 && status !== 503) faults.push(`status ${status}`)
  for (const [name, value] of Object.entries(headers))
    if (hasPlanted(value)) faults.push(`a person in the header ${name}`)
  if (method === 'HEAD') return faults
  if (headers['content-type']?.startsWith('text/html')) return [...faults, ...faultsOfPage(body)]
  if (!headers['content-type']?.startsWith('application/problem+json'))
    return [...faults, `${status} is ${headers['content-type']}`]
  if (/\bat .*\.[mc]?[tj]s|node_modules|Error:|\bpg_|journal\.|ledger\./.test(body))
    faults.push('it tells of what is within')
  let problem: Member
  try {
    problem = JSON.parse(body) as Member
  } catch {
    return [...faults, 'no JSON']
  }
  // A suggestion is a filer's own text, mended.
  const told = JSON.stringify(problem, (name, value) => (name === 'suggestion' ? undefined : value))
  if (hasPlanted(told)) faults.push('a person in the body')
  return [...faults, ...faultsOfProblem(status, problem)]
}

function faultsOfProblem(status: number, problem: Member): string[] {
  const faults: string[] = []
  const { code, errors = [] } = problem
  if (!Object.hasOwn(problemKinds, String(code))) faults.push(`${code} is no problem`)
  if (code === 'INTERNAL') faults.push('INTERNAL')
  if (problem.status !== status || problem.type !== `/v1/findings/${code}`) faults.push('type')
  if (typeof problem.detail !== 'string' || problem.detail === '') faults.push('no detail')
  for (const one of [problem, ...(errors as Member[])])
    for (const name of ['message', 'fix'])
      if (!speaksBoth(one[name])) faults.push(`${one.code} has no ${name} in both languages`)
  for (const { code: found } of errors as Member[])
    if (!Object.hasOwn(catalogue, String(found)) && !Object.hasOwn(problemKinds, String(found)))
      faults.push(`${found} is in no catalogue`)
  return faults
}

/** What people see of a sign-in that failed. */
function faultsOfPage(page: string): string[] {
  const code = /href="\/v1\/findings\/(\w+)"/.exec(page)?.[1] ?? ''
  const isPage =
    Object.hasOwn(problemKinds, code) && /lang="zh-CN"/.test(page) && /lang="en"/.test(page)
  return [
    ...(isPage ? [] : ['a page without a code or a language']),
    ...(hasPlanted(page) ? ['a person in a page'] : []),
  ]
}

function speaksBoth(text: unknown): boolean {
  const { 'zh-CN': chinese, en } = (text ?? {}) as Readonly<Record<string, unknown>>
  return /[\u4e00-\u9fff]/.test(String(chinese)) && /[a-z]/i.test(String(en))
}

/** As it is, or written in another way. */
export function hasPlanted(text: string): boolean {
  const { name, idNumber } = planted
  const escaped = [...name].map((one) => `\\u${one.charCodeAt(0).toString(16)}`).join('')
  const traces = [name, encodeURIComponent(name), escaped, idNumber, idNumber.toLowerCase()]
  return traces.some((trace) => text.includes(trace))
}
