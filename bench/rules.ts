/**
 * `npm run bench:rules [-- --json]`: how fast declarations are checked and assessed on one core,
 * compared in turns with the schema check alone (Ajv as Fastify runs it), and how much memory a
 * hundred thousand findings take.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import { type Declaration, declarationSchema } from '../src/declaration/schema.ts'
import { findingsPerAnswerMax } from '../src/limits.ts'
import { readPolicies } from '../src/platform/config/packs.ts'
import { checkFiling } from '../src/policy/check.ts'
import { benchArguments } from './support/arguments.ts'
import { createGenerator } from './support/generator.ts'
import { type Figure, median, report, say } from './support/report.ts'

/** Turns are short, so that what disturbs one side disturbs the other. */
const rounds = Number(process.env.BENCH_ROUNDS ?? 200)
const warmRounds = 40
const linesEach = 20_000
const policies = readPolicies(undefined)
const generator = createGenerator(1)
/** 2024-11-23 in Shanghai, microseconds. */
const nowMicros = 1_732_300_000_000_000

/** As much as stays in a processor's cache, as what was just parsed does. */
const workLines = 5_000

type Work = { readonly bodies: readonly unknown[]; readonly lines: number }
type Compared = { readonly work: Work; readonly goal: number; readonly pairs: boolean }

/** What is compared, with the rate asked for in lines/s. */
const works = {
  'many employers, as many lines as they have': {
    work: ofHeadcounts(),
    goal: 400_000,
    pairs: true,
  },
  'declarations of 500 lines': { work: ofSize(500), goal: 400_000, pairs: true },
  'declarations of 5 lines': { work: ofSize(5), goal: 400_000, pairs: true },
  // Findings are written out, which a schema does not do; Ajv stops at the first fault.
  'wages as generated, one in eight outside the limits': {
    work: ofSize(500, generated),
    goal: 150_000,
    pairs: false,
  },
  'every tenth line with an error': { work: ofSize(500, faulty), goal: 150_000, pairs: false },
} as const satisfies Record<string, Compared>

async function main(): Promise<void> {
  benchArguments('bench:rules', {})
  const ajv = await ajvOfFastify()
  const figures: Figure[] = []
  for (const [name, compared] of Object.entries(works)) {
    say(name)
    figures.push(...compare(name, compared, ajv))
  }
  figures.push(measureMemory())
  if (!report('bench:rules', figures)) process.exitCode = 1
}

/** The validator that Fastify compiles for the body of a route. */
async function ajvOfFastify(): Promise<(body: unknown) => boolean> {
  const app = Fastify()
  let validate: ((body: unknown) => boolean) | undefined
  app.post('/', { schema: { body: declarationSchema } }, async (request) => {
    validate = request.getValidationFunction('body') as (body: unknown) => boolean
  })
  const body = ofSize(1).bodies[0] as object
  await app.inject({ method: 'POST', url: '/', payload: body })
  if (validate === undefined) throw new Error('Fastify has no validator for the body')
  return validate
}

function compare(
  name: string,
  { work: { bodies, lines }, goal, pairs }: Compared,
  ajv: (body: unknown) => boolean,
): Figure[] {
  const rules: number[] = []
  const schema: number[] = []
  const repeats = Math.ceil(linesEach / lines)
  const run = (each: (body: unknown) => void) => {
    const began = process.cpuUsage()
    for (let i = 0; i < repeats; i += 1) for (const body of bodies) each(body)
    const { user, system } = process.cpuUsage(began)
    return ((user + system) * 1_000) / (lines * repeats)
  }
  for (let round = -warmRounds; round < rounds; round += 1) {
    const nanos = [run(checkAndAssess), run(ajv)] as const
    if (round < 0) continue
    rules.push(nanos[0])
    schema.push(nanos[1])
  }
  say(`  ${[rules, schema].map((list) => median(list).toFixed(0)).join(' and ')} ns a line`)
  const ratio = median(rules.map((nanos, i) => nanos / (schema[i] as number)))
  const figures: Figure[] = [
    {
      figure: `${name}: checked and assessed`,
      value: 1e9 / median(rules),
      unit: 'lines/s of one core',
      goal: { atLeast: goal },
    },
  ]
  if (!pairs) return figures
  return [
    ...figures,
    { figure: `${name}: time / Ajv's time`, value: ratio, unit: 'ratio', goal: { atMost: 2.5 } },
  ]
}

function checkAndAssess(body: unknown): void {
  const { findings, valid } = checkFiling(body, {
    policies,
    nowMicros,
    keptMax: findingsPerAnswerMax,
  })
  findings.first(findingsPerAnswerMax)
  valid?.assess()
}

function ofHeadcounts(): Work {
  const sizes: number[] = []
  for (let left = workLines; left > 0; left -= sizes.at(-1) as number) {
    sizes.push(generator.headcount())
  }
  return workOf(sizes)
}

function ofSize(size: number, change?: (declaration: Declaration) => Declaration): Work {
  const count = Math.max(1, Math.min(4_000, Math.floor(50_000 / size)))
  return workOf(
    Array.from({ length: count }, () => size),
    change,
  )
}

/** Parsed from JSON, as a request's body is. */
function workOf(sizes: readonly number[], change = withinLimits): Work {
  const bodies = sizes.map((lines) => {
    const declaration = generator.declaration({ period: '2024-11', lines })
    return JSON.parse(JSON.stringify(change(declaration))) as unknown
  })
  return { bodies, lines: sizes.reduce((sum, size) => sum + size, 0) }
}

function generated(declaration: Declaration): Declaration {
  return declaration
}

/** Without a finding: no wage is outside the limits. */
function withinLimits(declaration: Declaration): Declaration {
  const lines = declaration.lines?.map((line) => ({
    ...line,
    wage: `${generator.integer(4_300, 20_000)}.${generator.integer(10, 99)}`,
  }))
  return { ...declaration, lines: lines as Declaration['lines'] & object }
}

/** A wrong check digit in every tenth line. */
function faulty(declaration: Declaration): Declaration {
  const lines = withinLimits(declaration).lines?.map((line, i) => {
    if (i % 10 !== 9) return line
    const { idNumber } = line.person
    const last = idNumber.endsWith('1') ? '2' : '1'
    return { ...line, person: { ...line.person, idNumber: idNumber.slice(0, 17) + last } }
  })
  return { ...declaration, lines: lines as Declaration['lines'] & object }
}

/** The largest size of a process that writes out 100,000 findings of 100,000 lines. */
function measureMemory(): Figure {
  const program = fileURLToPath(new URL('programs/many-findings.ts', import.meta.url))
  const run = () =>
    Number(execFileSync(process.execPath, [program, '100000'], { encoding: 'utf8' }))
  run() // fills the compile cache
  const kib = Math.max(run(), run(), run())
  return {
    figure: '100,000 lines with 100,000 findings: the whole process, at most',
    value: (kib * 1_024) / 1e6,
    unit: 'MB',
    goal: { atMost: 200 },
  }
}

await main()
