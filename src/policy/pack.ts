/**
 * The form of a policy pack: the dated, cited parameters of one region, as data. A pack is a folder;
 * each member here is a file of that name (`limits.json`, `rates.json`, …). This schema is the type,
 * what `npm run policy -- lint` checks, and what `npm run policy -- schema` prints.
 *
 * Values are transcribed from the notices, never computed: notices round each in its own way, and
 * one floor was not even the 60% it is said to be. Nothing unverified is in a pack; `gaps` says what
 * is missing and what stands in for it.
 *
 * Dates of validity are periods `YYYY-MM`, both ends included. Rows of one list are in order and
 * don't overlap; a hole between them has a gap that names it.
 */
import Type, { type Static } from 'typebox'
import { periodPattern } from '../declaration/period.ts'
import {
  choicePattern,
  datePattern,
  industryClassMax,
  regionPattern,
} from '../declaration/schema.ts'

/** The insurances (险种), in the order of every list of amounts. Medical includes maternity. */
export const insurances = ['pension', 'medical', 'unemployment', 'work-injury'] as const
/** What platforms pay for each order (职业伤害保障) has no base and comes after the others. */
export type Insurance = (typeof insurances)[number] | 'occupational-injury'
export const sides = ['employer', 'employee'] as const
export type Side = (typeof sides)[number]

const closed = { additionalProperties: false } as const
const yuan = Type.String({ pattern: '^(0|[1-9][0-9]{0,8})(\\.[0-9]{1,2})?$', examples: ['4227'] })
/** At most four decimals: whole millionths of the base. */
const percent = Type.String({ pattern: '^(0|[1-9][0-9]?)(\\.[0-9]{1,4})?$', examples: ['0.5'] })
const period = Type.String({ pattern: periodPattern, examples: ['2024-01'] })
const date = Type.String({ pattern: datePattern, examples: ['2024-09-11'] })
const text = Type.Object({ 'zh-CN': Type.String(), en: Type.String() }, closed)
const choice = Type.String({ pattern: choicePattern })

const source = Type.Object(
  {
    title: Type.String(),
    number: Type.Optional(Type.String({ description: 'Of the document: 国办发〔2019〕13号.' })),
    date: Type.Optional(date),
    url: Type.Optional(Type.String()),
  },
  { ...closed, description: 'Where a value was published.' },
)

const dated = {
  from: period,
  to: Type.Optional(period),
  status: Type.Enum(['final', 'provisional', 'expired'], {
    description:
      'Published for good; expected to change; or temporary, ended, with no successor known.',
  }),
  temporary: Type.Optional(Type.Boolean({ description: 'Ends with `to` unless it is renewed.' })),
  sources: Type.Array(source, {
    description: 'None only for an assumption, which a note explains.',
  }),
  note: Type.Optional(text),
}

const row = <T extends Record<string, Type.TSchema>>(members: T) =>
  Type.Object({ ...dated, ...members }, closed)

const limits = row({
  insurances: Type.Optional(
    Type.Array(Type.Enum(insurances), { description: 'All four when absent.', minItems: 1 }),
  ),
  averageWage: Type.Optional(yuan),
  floor: yuan,
  ceiling: yuan,
})
const rate = row({ employer: percent, employee: percent })
const classRate = row({
  employerByClass: Type.Array(percent, { minItems: industryClassMax, maxItems: industryClassMax }),
  floats: Type.Optional(
    Type.Array(Type.Array(Type.Integer({ minimum: 1, maximum: 1_000 }), { minItems: 1 }), {
      minItems: industryClassMax,
      maxItems: industryClassMax,
      description: 'Percent of the class rate on offer, by class; 100 is always.',
    }),
  ),
  employee: percent,
})
const flat = row({ insurance: Type.Enum(insurances), side: Type.Enum(sides), amount: yuan })
const unitBase = row({ insurances: Type.Array(Type.Enum(insurances), { minItems: 1 }) })
const rounding = row({
  mode: Type.Enum(['half-up', 'up', 'down']),
  scale: Type.Integer({ minimum: 0, maximum: 2, description: 'Decimals of a yuan.' }),
  per: Type.Enum(['line', 'unit'], {
    description: "The employer's amounts: rounded for each person, or once for the unit.",
  }),
})
const deadline = row({
  monthsAfterPeriod: Type.Integer({ minimum: 0, maximum: 12 }),
  day: Type.Integer({ minimum: 1, maximum: 31, description: '31: the last day of any month.' }),
  time: Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$', examples: ['17:00'] }),
  onNonWorkingDay: Type.Enum(['same', 'next', 'previous']),
  graceDays: Type.Integer({ minimum: 0, maximum: 60 }),
  refuseLate: Type.Boolean({
    description: 'Refuse what is late, instead of accepting it as late.',
  }),
  replacementsClose: Type.Optional(
    Type.Object(
      {
        daysBefore: Type.Integer({ minimum: 0, maximum: 31 }),
        time: Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$' }),
      },
      { ...closed, description: 'Corrections and cancellations close before first filings do.' },
    ),
  ),
})
const pensionBases = row({
  choice: Type.Enum(['any-within-limits', 'tiers']),
  tiers: Type.Optional(Type.Array(Type.Object({ tier: choice, base: yuan }, closed))),
})
const flexibleRate = row({ rate: percent })
const flexibleMedical = row({
  withAccount: percent,
  withoutAccount: percent,
  base: Type.Enum(['floor', 'chosen'], { description: 'The medical floor, or the pension base.' }),
})
/** At most six decimals of a yuan. */
const tariff = row({
  service: choice,
  names: text,
  perOrder: Type.String({ pattern: '^(0|[1-9][0-9]?)(\\.[0-9]{1,6})?$', examples: ['0.07'] }),
})
const surcharge = row({ dailyPercent: percent })
const surchargeFree = row({
  until: Type.String({ pattern: datePattern, description: 'Differences paid by then bear none.' }),
})
const gap = Type.Object(
  {
    key: Type.String({ description: 'The list it is in, such as limits or rates/medical.' }),
    from: Type.Optional(period),
    to: Type.Optional(period),
    fill: Type.Enum(['previous', 'next', 'expired', 'none'], {
      description:
        'What stands in: the row before, the row after, knowingly an expired one, or nothing, and then filing is refused.',
    }),
    note: text,
  },
  { ...closed, description: 'What is not verified or not covered.' },
)

export const packSchema = Type.Object(
  {
    region: Type.Object(
      {
        code: Type.String({ pattern: regionPattern, description: 'Six digits (GB/T 2260).' }),
        names: text,
        from: Type.String({ pattern: periodPattern, description: 'The first period to file.' }),
        defaultIndustryClass: Type.Integer({ minimum: 1, maximum: industryClassMax }),
      },
      closed,
    ),
    limits: Type.Array(limits, { minItems: 1 }),
    rates: Type.Object(
      {
        pension: Type.Array(rate, { minItems: 1 }),
        medical: Type.Array(rate, { minItems: 1 }),
        unemployment: Type.Array(rate, { minItems: 1 }),
        'work-injury': Type.Array(classRate, { minItems: 1 }),
      },
      closed,
    ),
    flat: Type.Optional(Type.Array(flat, { description: 'Amounts for each person and month.' })),
    bases: Type.Optional(
      Type.Object(
        { unit: Type.Array(unitBase, { description: 'Where the unit has a base of its own.' }) },
        closed,
      ),
    ),
    flexible: Type.Optional(
      Type.Object(
        {
          pensionBases: Type.Array(pensionBases, { minItems: 1 }),
          pensionRates: Type.Array(flexibleRate, { minItems: 1 }),
          medical: Type.Optional(Type.Array(flexibleMedical)),
        },
        closed,
      ),
    ),
    platform: Type.Optional(Type.Object({ tariffs: Type.Array(tariff, { minItems: 1 }) }, closed)),
    rounding: Type.Array(rounding, { minItems: 1 }),
    calendar: Type.Object(
      {
        deadlines: Type.Array(deadline, { minItems: 1 }),
        nonWorkingDays: Type.Array(date, { description: 'Beside Saturdays and Sundays.' }),
        workingDays: Type.Array(date, { description: 'Saturdays and Sundays that are worked.' }),
        daySources: Type.Optional(Type.Array(source)),
      },
      closed,
    ),
    surcharge: Type.Optional(
      Type.Object({ rates: Type.Array(surcharge), free: Type.Array(surchargeFree) }, closed),
    ),
    gaps: Type.Array(gap),
  },
  closed,
)

export type PolicyPack = Static<typeof packSchema>
export type Source = Static<typeof source>
export type Limits = Static<typeof limits>
export type Rate = Static<typeof rate>
export type ClassRate = Static<typeof classRate>
export type FlatAmount = Static<typeof flat>
export type Rounding = Static<typeof rounding>
export type Deadline = Static<typeof deadline>
export type PensionBases = Static<typeof pensionBases>
export type FlexibleRate = Static<typeof flexibleRate>
export type FlexibleMedical = Static<typeof flexibleMedical>
export type Tariff = Static<typeof tariff>
export type UnitBases = Static<typeof unitBase>
export type Gap = Static<typeof gap>

/** A row's validity and where it comes from. */
export type Dated = {
  readonly from: string
  readonly to?: string
  readonly status: 'final' | 'provisional' | 'expired'
  readonly temporary?: boolean
  readonly sources: readonly Source[]
  readonly note?: { readonly 'zh-CN': string; readonly en: string }
}

/** A list of rows that follow one another in time, by the key that gaps and lint name it with. */
export type DatedList = {
  /** File and path within it: `rates/medical`. */
  readonly key: string
  readonly rows: readonly Dated[]
  /** Every period from the pack's first on must have a row or a gap; other lists may just begin. */
  readonly required: boolean
}

/** All dated lists of a pack. Limits and tariffs are several lists in one file. */
export function datedLists(pack: PolicyPack): DatedList[] {
  const required = (key: string, rows: readonly Dated[]) => ({ key, rows, required: true })
  const optional = (key: string, rows: readonly Dated[] = []) => ({ key, rows, required: false })
  const { rates, flexible, platform, flat = [] } = pack
  const services = [...new Set(platform?.tariffs.map(({ service }) => service))]
  const flats = [...new Set(flat.map(({ insurance, side }) => `${insurance}/${side}`))]
  return [
    ...insurances.map((insurance) => required(`limits/${insurance}`, limitsOf(pack, insurance))),
    ...insurances.map((insurance) => required(`rates/${insurance}`, rates[insurance])),
    ...flats.map((name) =>
      optional(
        `flat/${name}`,
        flat.filter(({ insurance, side }) => `${insurance}/${side}` === name),
      ),
    ),
    optional('bases/unit', pack.bases?.unit),
    optional('flexible/pensionBases', flexible?.pensionBases),
    optional('flexible/pensionRates', flexible?.pensionRates),
    optional('flexible/medical', flexible?.medical),
    ...services.map((name) =>
      optional(
        `platform/tariffs/${name}`,
        platform?.tariffs.filter(({ service }) => service === name),
      ),
    ),
    required('rounding', pack.rounding),
    required('calendar/deadlines', pack.calendar.deadlines),
    optional('surcharge/rates', pack.surcharge?.rates),
  ].filter(({ rows, required }) => required || rows.length > 0)
}

/** One name for lists that share a row: `limits` of all insurances, otherwise their keys. */
export function sharedKey(keys: readonly string[]): string {
  const all = insurances.map((insurance) => `limits/${insurance}`)
  return all.every((key) => keys.includes(key)) ? 'limits' : keys.join(', ')
}

/** The limits of one insurance. */
export function limitsOf(pack: PolicyPack, insurance: (typeof insurances)[number]): Limits[] {
  return pack.limits.filter((limits) => limits.insurances?.includes(insurance) ?? true)
}

/** The gaps of a list: one may name it whole, or the file it is in. */
export function gapsOf(pack: PolicyPack, key: string): Gap[] {
  return pack.gaps.filter((gap) => key === gap.key || key.startsWith(`${gap.key}/`))
}
