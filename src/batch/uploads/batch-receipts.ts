/**
 * Signs the receipts of files, with the deadline of the period that each file is for.
 */
import { signBatchReceipt } from '../../journal/receipts/batch-receipt.ts'
import type { Signer } from '../../journal/receipts/compact-jws.ts'
import type { Policies } from '../../policy/rules.ts'
import type { FinalizeDependencies } from './store-dependencies.ts'

export type ReceiptDependencies = {
  readonly signer: Signer
  readonly policies: Policies
  /** Written into every receipt; read anew for each. */
  readonly environment: () => string
}

export function createReceiptOf({
  signer,
  policies,
  environment,
}: ReceiptDependencies): FinalizeDependencies['receiptOf'] {
  return (file) => {
    const rules = policies.rulesFor(file.region, file.period)
    const deadlineMicros = rules.kind === 'rules' ? rules.deadlineMicros : undefined
    return signBatchReceipt(signer, { ...file, deadlineMicros }, environment())
  }
}
