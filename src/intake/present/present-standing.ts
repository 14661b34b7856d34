/**
 * How a declaration stands, as it is answered: money in yuan, instants in China's time, findings by
 * their titles.
 */
import type { Static } from 'typebox'
import { catalogue } from '../../declaration/catalogue/catalogue.ts'
import type { FindingCount } from '../../declaration/findings.ts'
import { formatInstant } from '../../declaration/period.ts'
import type { Attribution } from '../../journal/attribution.ts'
import type { Standing, StandingReassessment } from '../../ledger/status.ts'
import { presentAmounts, presentAssessment } from '../../policy/present.ts'
import { tellReplaced } from './present-replaced.ts'
import type { declarationStatusSchema } from './schemas.ts'

const heldNotice = {
  'zh-CN': '已受理，回执有效。入账时遇到系统问题，工作人员正在处理，您无需重新申报。',
  en: 'Accepted; the receipt stands. Posting met a fault that staff are looking at. Do not file again.',
}

export function presentStanding(
  standing: Standing,
  reassessments: readonly StandingReassessment[] = [],
  filedBy?: Attribution,
): Static<typeof declarationStatusSchema> {
  const { id, status, employer, period, kind, onTime, assessment, findings } = standing
  const { partOf, region, persons } = standing
  const self = `/v1/declarations/${id}`
  return {
    id,
    status,
    employer,
    period,
    ...(region !== undefined && { region }),
    kind,
    acceptedAt: formatInstant(standing.acceptedAtMicros),
    deadline: formatInstant(standing.deadlineMicros),
    onTime,
    ...(persons !== undefined && { persons }),
    ...(partOf !== undefined && { partOf }),
    ...(filedBy !== undefined && { filedBy }),
    ...(assessment && { assessment: presentAssessment(assessment) }),
    ...(reassessments.length > 0 && { reassessments: reassessments.map(presentReassessment) }),
    ...(findings.length > 0 && { findings: findings.map(presentCount) }),
    ...tellReplaced(standing),
    ...(standing.deadLetter && status === 'accepted' && { notice: heldNotice }),
    links: {
      self,
      receipt: `${self}/receipt`,
      explanation: `${self}/explanation`,
      ...(partOf !== undefined && { whole: `/v1/declarations/${partOf}` }),
    },
  }
}

function presentReassessment(reassessment: StandingReassessment) {
  const { id, policyHash: hash, policyHashBefore: hashBefore, provisional } = reassessment
  return {
    id,
    policy: { hash, hashBefore },
    provisional,
    ...presentAmounts(reassessment.amounts),
    lines: reassessment.linesChanged,
  }
}

function presentCount({ code, count }: FindingCount) {
  const { severity, title } = catalogue[code]
  return { code, severity, title, count }
}
