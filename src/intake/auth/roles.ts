/**
 * Who may do what: a role has acts, on declarations of the employers that its token names, or of all
 * employers in its token's regions. A token's scopes bound the program that holds it, its roles the person.
 *
 *   role        | of                 | file | look | open | trace
 *   filer       | employers named,   | yes  | yes  | yes  |
 *   viewer      | in its regions     |      | yes  | yes  |
 *   auditor     | regions            |      | yes  | yes  | yes
 *   supervisor  | regions            |      | yes  | yes  | yes
 *   operator    | regions            |      | yes  |      |
 *   help-desk   | regions            |      | yes  |      |
 *
 * To file is also to check, to send files, to cancel them and to reserve slots. To look shows how a
 * declaration stands, its receipt and lists; to open shows what it says of persons; to trace, who filed it.
 * Files and slots are seen by those alone to whom they belong.
 */
import type { Patterns, Reach } from '../../journal/reading/reach.ts'

export const acts = ['file', 'look', 'open', 'trace'] as const
export type Act = (typeof acts)[number]

type Powers = { readonly of: 'employers' | 'regions'; readonly may: readonly Act[] }

export const roles = {
  filer: { of: 'employers', may: ['file', 'look', 'open'] },
  viewer: { of: 'employers', may: ['look', 'open'] },
  auditor: { of: 'regions', may: ['look', 'open', 'trace'] },
  supervisor: { of: 'regions', may: ['look', 'open', 'trace'] },
  operator: { of: 'regions', may: ['look'] },
  'help-desk': { of: 'regions', may: ['look'] },
} as const satisfies Record<string, Powers>

export type Role = keyof typeof roles

export const scopeOf = {
  file: 'declarations:write',
  look: 'declarations:read',
  open: 'declarations:read',
  trace: 'declarations:read',
} as const satisfies Record<Act, string>

/**
 * @param regions of the token: staff see what is theirs of any employer, others of their employers that alone
 * @returns undefined: none of the roles may
 */
export function reachOf(
  act: Act,
  held: readonly Role[],
  { employers, regions }: { readonly employers: readonly string[]; readonly regions?: Patterns },
): Reach | undefined {
  const able = held.map((role): Powers => roles[role]).filter(({ may }) => may.includes(act))
  if (able.length === 0) return undefined
  const isOfEmployers = able.some(({ of }) => of === 'employers')
  return {
    employers: isOfEmployers ? employers : [],
    ...(isOfEmployers && regions && { within: regions }),
    regions: able.some(({ of }) => of === 'regions') ? (regions ?? []) : [],
  }
}

export function rolesOf(names: readonly string[]): Role[] {
  return (Object.keys(roles) as Role[]).filter((role) => names.includes(role))
}

/** Whether declarations of employers that a token names are in reach of one of the roles. */
export function namesEmployers(held: readonly Role[]): boolean {
  return held.some((role) => roles[role].of === 'employers')
}

/** Whether those of a region are. */
export function isOfRegions(held: readonly Role[]): boolean {
  return held.some((role) => roles[role].of === 'regions')
}

/**
 * A division of GB/T 2260 with all that it has, as a pattern for `like`: `340000` is a province with its
 * cities, `340100` a city, `000000` the country. Undefined for what is none.
 */
export function patternOfRegion(code: string): string | undefined {
  if (!/^\d{6}$/.test(code)) return undefined
  return `${code.replace(/(00){1,3}$/, '')}%`
}
