/**
 * What came after a declaration, and what was replaced without being named: of two that were filed at once, both
 * are accepted and the later one counts. Both tell it, with the numbers of persons. A correction surprises nobody
 * by replacing what it names.
 */
import type { Text } from '../../declaration/catalogue/entry.ts'
import { formatInstant } from '../../declaration/period.ts'
import type { Neighbour, Standing } from '../../ledger/status.ts'

type Replaced = {
  readonly id: string
  readonly by: string
  /** Of the one that replaced it. */
  readonly acceptedAt: string
  readonly persons: { readonly before?: number; readonly after?: number }
  readonly message: Text
  readonly links: { readonly self: string; readonly by: string }
}

type Told = {
  readonly supersededBy?: {
    readonly id: string
    readonly kind: string
    readonly acceptedAt: string
    readonly links: { readonly self: string }
  }
  readonly replaced?: Replaced[]
}

export function tellReplaced(standing: Standing): Told {
  const { after, before, status } = standing
  const own: Neighbour = standing
  const replaced = [
    ...(before === undefined || before.kind === 'cancellation' ? [] : [replacedBy(before, own)]),
    ...(after !== undefined && isUnnamed(own, after) ? [replacedBy(own, after)] : []),
  ]
  return {
    ...(after !== undefined &&
      (status === 'superseded' || status === 'cancelled') && {
        supersededBy: {
          ...{ id: after.id, kind: after.kind, acceptedAt: formatInstant(after.acceptedAtMicros) },
          links: { self: linkTo(after) },
        },
      }),
    ...(replaced.length > 0 && { replaced }),
  }
}

/** Whether what came after it replaces it without naming it; known of corrections once they are posted. */
function isUnnamed({ id, kind }: Neighbour, after: Neighbour): boolean {
  if (kind === 'cancellation') return false
  return after.kind === 'regular' || (after.replaces !== undefined && after.replaces !== id)
}

function replacedBy(one: Neighbour, by: Neighbour): Replaced {
  return {
    ...{ id: one.id, by: by.id, acceptedAt: formatInstant(by.acceptedAtMicros) },
    persons: {
      ...(one.persons !== undefined && { before: one.persons }),
      ...(by.persons !== undefined && { after: by.persons }),
    },
    message: {
      'zh-CN': `两份申报同时提交，均已受理：${one.id}（${one.persons ?? '?'} 人）被后受理的 ${by.id}（${by.persons ?? '?'} 人）替换，后者并未指明替换前者。如两份都应计入，请提交 correction，在 replaces 填写 ${by.id}，并列出全部参保人。`,
      en: `Two declarations were filed at once, and both were accepted: ${one.id} (persons: ${one.persons ?? 'not counted'}) is replaced by the later ${by.id} (persons: ${by.persons ?? 'not counted'}), which does not name it. If both should count, file a correction with ${by.id} in replaces that lists all persons.`,
    },
    links: { self: linkTo(one), by: linkTo(by) },
  }
}

function linkTo({ id }: Pick<Neighbour, 'id'>): string {
  return `/v1/declarations/${id}`
}
