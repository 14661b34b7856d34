/** What an operator asks for on the command line. */
import { helpText, parseArguments, wrongUse } from '../../src/platform/command/arguments.ts'
import { UsageError } from '../../src/platform/command/failure.ts'
import { faults as catalogue } from '../faults/catalogue.ts'
import type { Fault } from '../faults/fault.ts'
import type { BackendKind } from '../faults/world.ts'

export const usage = helpText(
  `Usage: npm run rehearse -- --profile city|province|nation|FILE [--compress 60] [--out DIR]
       npm run rehearse -- compare RECORD RECORD [--out FILE.html]
       npm run rehearse -- picture RECORD --out FILE.svg
       npm run --silent rehearse -- tokens COUNT > FILE
  of an engine of its own:
    [--queue redis|postgres] [--intakes 1] [--workers 2] [--batch-workers 1]
    [--faults none|NAME@HH:MM,…] [--scale workers=3@14:00,…] [--throttle COMMIT_MS,DECLARATION_MS]
    [--probe-seconds 2]
  of a rehearsal beside a running installation, of which nothing counts, with tokens for rehearsals:
    --url URL --dry-run --token-file FILE
  of a running installation, where it files for real:
    --url URL --yes-file-for-real --token-file FILE
  both:
    [--objectives FILE] [--generators 2] [--period 2024-11] [--seed 1]`,
  {
    '--profile NAME|FILE': 'the deadline day: a shipped profile, or one of yours',
    '--compress TIMES': 'how many times shorter than the real day',
    '--out DIR': 'where record and report are written',
    '--objectives FILE': 'what the verdict asks for',
    '--generators N': 'processes that send',
    '--period YYYY-MM': 'the period that is filed for',
    '--seed N': 'another seed files other declarations',
    '--queue redis|postgres': 'where the queue is',
    '--intakes N': 'intake processes',
    '--workers N': 'posting workers',
    '--batch-workers N': 'workers on files',
    '--faults LIST': 'what is broken, and when',
    '--scale LIST': 'how many processes run, and from when on',
    '--throttle MS,MS': 'what a commit takes longer, and each declaration in it',
    '--probe-seconds N': 'how long each step of the last probe takes; 0: no probe',
    '--url URL': 'the running installation',
    '--token-file FILE': 'tokens for synthetic employers, one a line',
    '--dry-run': 'the installation is a rehearsal: nothing counts',
    '--yes-file-for-real': 'file for real',
  },
  'npm run rehearse -- --profile city --compress 240',
)

export type TimedFault = { readonly fault: Fault; readonly at: string }
export type ScaleStep = {
  readonly kind: 'intakes' | 'workers' | 'batch-workers'
  readonly count: number
  readonly at: string
}
/** Milliseconds that a commit takes more, and each declaration in it. */
export type Throttle = { readonly commitMs: number; readonly declarationMs: number }

export type Options = {
  readonly profile: string
  readonly compress: number
  readonly out: string | undefined
  readonly objectives: string | undefined
  readonly generators: number
  readonly period: string
  readonly seed: number
  readonly own: OwnOptions
  /** A running installation; undefined: an engine of its own. */
  readonly remote: RemoteOptions | undefined
}

export type OwnOptions = {
  readonly queue: BackendKind
  readonly intakes: number
  readonly workers: number
  readonly batchWorkers: number
  readonly faults: readonly TimedFault[]
  readonly scale: readonly ScaleStep[]
  readonly throttle: Throttle | undefined
  /** For each step of the closed-loop probe; 0: no probe. */
  readonly probeSeconds: number
}

export type RemoteOptions = {
  readonly url: string
  readonly tokenFile: string
  /** Whether nothing of it may count. */
  readonly dryRun: boolean
}

/** A worker dies before noon, and what the queue holds is lost in the afternoon. */
const defaultFaults = {
  postgres: 'worker killed@10:30',
  redis: 'worker killed@10:30,the queue emptied (FLUSHALL@15:15',
} as const

/** @throws UsageError */
export function readOptions(args: string[]): Options {
  const values = parse(args)
  const whole = (name: keyof typeof values, min: number, max: number) => {
    const value = Number(values[name])
    if (Number.isInteger(value) && value >= min && value <= max) return value
    throw wrongUse(`--${name} must be a whole number from ${min} to ${max}.`, usage)
  }
  const { profile, queue, url } = values
  if (profile === undefined) throw wrongUse('--profile is missing.', usage)
  if (queue !== 'redis' && queue !== 'postgres')
    throw wrongUse('--queue must be redis or postgres.', usage)
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(values.period))
    throw wrongUse('--period must be a month like 2024-11.', usage)
  return {
    profile,
    compress: whole('compress', 1, 17_280),
    out: values.out,
    objectives: values.objectives,
    generators: whole('generators', 1, 64),
    period: values.period,
    seed: whole('seed', 0, 1_000_000),
    own: {
      queue,
      intakes: whole('intakes', 1, 64),
      workers: whole('workers', 1, 64),
      batchWorkers: whole('batch-workers', 1, 16),
      faults: url === undefined ? readFaults(values.faults ?? defaultFaults[queue], queue) : [],
      scale: readScale(values.scale),
      throttle: readThrottle(values.throttle),
      probeSeconds: whole('probe-seconds', 0, 60),
    },
    remote: readRemote(values),
  }
}

function parse(args: string[]) {
  const text = { type: 'string' } as const
  const options = {
    profile: text,
    compress: { ...text, default: '60' },
    out: text,
    objectives: text,
    generators: { ...text, default: '2' },
    period: { ...text, default: '2024-11' },
    seed: { ...text, default: '1' },
    queue: { ...text, default: 'redis' },
    intakes: { ...text, default: '1' },
    workers: { ...text, default: '2' },
    'batch-workers': { ...text, default: '1' },
    faults: text,
    scale: text,
    throttle: text,
    'probe-seconds': { ...text, default: '2' },
    url: text,
    'token-file': text,
    'dry-run': { type: 'boolean', default: false },
    'yes-file-for-real': { type: 'boolean', default: false },
  } as const
  return parseArguments({ args, options }, usage).values
}

function readRemote(values: ReturnType<typeof parse>): RemoteOptions | undefined {
  const { url, 'token-file': tokenFile, 'dry-run': dryRun, faults, scale, throttle } = values
  const forReal = values['yes-file-for-real']
  if (url === undefined) {
    if (dryRun || forReal) throw wrongUse('--dry-run and --yes-file-for-real need --url.', usage)
    return undefined
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw wrongUse('--url must be like https://filing.example.', usage)
  if (tokenFile === undefined)
    throw wrongUse('--url needs --token-file: tokens for synthetic employers.', usage)
  if (faults !== undefined || scale !== undefined || throttle !== undefined)
    throw new UsageError('--faults, --scale and --throttle are for an engine of its own.')
  if (dryRun === forReal) {
    throw new UsageError(
      `Say --dry-run where ${url} is a rehearsal (npm run rehearsal -- create): it needs tokens for rehearsals (npm run rehearse -- tokens COUNT). Or say --yes-file-for-real, and declarations are filed for real, for the employers of the tokens, and posted. Not both.`,
    )
  }
  return { url, tokenFile, dryRun }
}

/** `NAME@HH:MM,…`; a name is part of one in the catalogue, and may have commas. */
function readFaults(text: string, queue: BackendKind): TimedFault[] {
  if (text === 'none') return []
  const found = [...text.matchAll(/(.+?)@((?:[01]\d|2[0-3]):[0-5]\d)(?:,|$)/g)]
  if (found.map(([whole]) => whole).join('') !== text)
    throw wrongUse('--faults must be like "worker killed@10:30,Postgres killed@15:00".', usage)
  return found.map(([, name = '', at = '']) => {
    const fitting = catalogue.filter(
      (fault) => (fault.backend ?? queue) === queue && fault.name.includes(name) && !fault.long,
    )
    const [fault] = fitting
    if (fault !== undefined) return { fault, at }
    const names = catalogue.filter(({ backend, long }) => (backend ?? queue) === queue && !long)
    throw new UsageError(
      `There is no fault "${name}" with the queue in ${queue}. Faults:\n${names.map((one) => `  ${one.name}`).join('\n')}`,
    )
  })
}

function readScale(text: string | undefined): ScaleStep[] {
  return (text?.split(',') ?? []).map((step) => {
    const [, kind, count, at] =
      /^(intakes|workers|batch-workers)=(\d{1,2})@((?:[01]\d|2[0-3]):[0-5]\d)$/.exec(step) ?? []
    if (kind === undefined || at === undefined || Number(count) < 1)
      throw wrongUse('--scale must be like workers=3@14:00.', usage)
    return { kind: kind as ScaleStep['kind'], count: Number(count), at }
  })
}

function readThrottle(text: string | undefined): Throttle | undefined {
  if (text === undefined) return undefined
  const [, commitMs, declarationMs] = /^(\d{1,5})(?:,(\d{1,4}))?$/.exec(text) ?? []
  if (commitMs === undefined) throw wrongUse('--throttle must be like 200,50: milliseconds.', usage)
  return { commitMs: Number(commitMs), declarationMs: Number(declarationMs ?? 0) }
}
