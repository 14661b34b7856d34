/** The public keys of receipts: asked for where there is a network, else those that this browser saw last. */
import type { ReceiptKey } from '../../client/client.ts'
import { read } from '../state/read.ts'

const keptAs = 'spillway-receipt-keys'

export async function receiptKeys(): Promise<readonly ReceiptKey[] | undefined> {
  const found = await read<{ readonly keys: readonly ReceiptKey[] }>('/.well-known/jwks.json')
  if (found.kind !== 'ok') return keysKept()
  try {
    localStorage.setItem(keptAs, JSON.stringify(found.value.keys))
  } catch {}
  return found.value.keys
}

function keysKept(): readonly ReceiptKey[] | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(keptAs) ?? '')
    return Array.isArray(kept) ? (kept as readonly ReceiptKey[]) : undefined
  } catch {
    return undefined
  }
}
