/**
 * What a rehearsal leaves behind, as JSON: the day as it was driven, every second of it, what failed on
 * the way, and the verdict. The HTML report, the comparison of two rehearsals and the exit status are
 * made from it alone.
 */

/** Changed with the meaning of any field, so that a comparison never mixes two. */
export const recordFormat = 'spillway-rehearsal/2'

export type Verdict = 'pass' | 'fail' | 'void'

/** One objective of the file of objectives, with what was measured. */
export type ObjectiveResult = {
  readonly name: string
  /** For people: "99 of 100 filings are answered within". */
  readonly title: string
  readonly unit: string
  readonly bound: { readonly atMost: number } | { readonly atLeast: number }
  /** Null where it could not be measured: then it does not hold. */
  readonly measured: number | null
  readonly holds: boolean
  /** Of a percentile: how many it is taken of, and whether so many can show that it holds. Else null. */
  readonly restsOn: { readonly count: number; readonly enough: boolean } | null
  /** Where it fails: when, and which part was at its end, in one sentence. */
  readonly why: string | null
}

/** Neither held nor missed: what was measured is too little to say. */
export function tooFew({ restsOn }: ObjectiveResult): boolean {
  return restsOn !== null && !restsOn.enough
}

/** Columns of equal length, one entry for each real second from the start of the day. */
export type Samples = {
  /** Seconds of the simulated day, 0 to 86,400, at the start of each real second. */
  readonly timeOfDay: readonly number[]
  /** Filings due, sent or not; then their answers by kind, in the second in which they were due. */
  readonly offered: readonly number[]
  readonly accepted: readonly number[]
  /** 429 and 503. */
  readonly refused: readonly number[]
  /** 422 with findings, as the declarations with faults should be. */
  readonly returned: readonly number[]
  /** No answer, or one that is not documented. */
  readonly failed: readonly number[]
  readonly statusReads: readonly number[]
  readonly posted: readonly number[]
  /** Accepted and not yet posted, at the end of the second. */
  readonly backlog: readonly number[]
  readonly drainSeconds: readonly (number | null)[]
  /** Of accepted filings, from the intended send time, in ms; null where none was. */
  readonly p50: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
  /** Declarations in a commit, on average. */
  readonly groupSize: readonly (number | null)[]
}

export type ProcessSamples = {
  /** "intake 1", "worker 2", "Postgres", "Redis", "generator 1". */
  readonly name: string
  readonly kind: 'intake' | 'worker' | 'batch-worker' | 'postgres' | 'redis' | 'generator'
  /** Cores used in each real second; null while it was not running. */
  readonly cores: readonly (number | null)[]
  readonly residentBytes: readonly (number | null)[]
}

/** Counts of accepted filings by time and latency. */
export type LatencyHeat = {
  readonly secondsPerColumn: number
  /** Upper bounds of the rows in ms, rising; the last row is everything above. */
  readonly boundsMs: readonly number[]
  /** counts[column][row] */
  readonly counts: readonly (readonly number[])[]
}

/** Something that was done to the engine, or that happened to it, on the time axis. */
export type DayEvent = {
  readonly kind: 'fault' | 'scaling' | 'file' | 'note'
  readonly fromSecond: number
  /** Null where it has no duration. */
  readonly toSecond: number | null
  /** "worker killed (SIGKILL)", "worker 3 added", "file of 100,000 rows sent". */
  readonly title: string
  /** Seconds from the end of a fault until something, and everything that waited then, was posted. */
  readonly firstPostedSeconds: number | null
  readonly allPostedSeconds: number | null
}

export type Forecast = {
  /** What this installation takes, found by the closed-loop probe before the day. */
  readonly declarationsPerSecond: number
  readonly linesPerSecond: number
  readonly postedPerSecond: number | null
  /** The profile's peak second, declarations. */
  readonly peakPerSecond: number
  /** Capacity over peak. */
  readonly headroom: number
  /** "intake 1", "Postgres": what ends first. */
  readonly saturatesFirst: string
  readonly workersNeeded: number
  /** The reasoning, a sentence each, with its figures. */
  readonly reasoning: readonly string[]
}

export type AuditResult = {
  readonly passed: boolean
  readonly declarations: number
  readonly invariants: readonly {
    readonly id: string
    readonly title: string
    readonly violations: number
  }[]
}

export type RehearsalRecord = {
  readonly format: typeof recordFormat
  readonly startedAt: string
  readonly endedAt: string
  readonly profile: {
    readonly name: string
    readonly title: string
    readonly employers: number
    readonly compress: number
    /** Where its figures are from, a line each. */
    readonly sources: readonly string[]
  }
  readonly engine: {
    /** Of its own; a running one that it filed with for real; or one beside whose own filings it ran. */
    readonly kind: 'own' | 'url' | 'dry-run'
    readonly queue: 'redis' | 'postgres' | 'unknown'
    readonly intakes: number | null
    readonly workers: number | null
    readonly batchWorkers: number | null
  }
  /** Versions and settings that decide the result: name and value. */
  readonly settings: readonly (readonly [string, string])[]
  readonly machine: string
  readonly verdict: Verdict
  /** A sentence each: what failed, or what makes the rehearsal void. */
  readonly reasons: readonly string[]
  readonly objectives: readonly ObjectiveResult[]
  readonly totals: {
    readonly offered: number
    readonly accepted: number
    readonly refused: number
    readonly returned: number
    readonly failed: number
    readonly posted: number
    readonly statusReads: number
    readonly retries: number
    readonly corrections: number
    readonly files: number
    readonly fileRows: number
    /** Of all accepted filings of the day, from the intended send time. */
    readonly p50Ms: number
    readonly p99Ms: number
    readonly p999Ms: number
    readonly mostMs: number
  }
  readonly samples: Samples
  readonly processes: readonly ProcessSamples[]
  readonly heat: LatencyHeat
  readonly events: readonly DayEvent[]
  readonly forecast: Forecast | null
  readonly audit: AuditResult | null
}
