/** Cancels a declaration: settled and kept before it is sent, as any filing is (sender.ts). */
import { type FrozenFiling, freezeFiling } from '../../client/client.ts'
import type { Filed } from '../state/declarations.ts'
import type { DeskName } from './desk.ts'
import { keep } from './sealed.ts'
import { isSent, senderOf, sentNameOf } from './sender.ts'

/** What is being sent for the month already goes on, and nothing else. */
export async function sendCancellation(name: DeskName, filed: Filed, region: string) {
  if (await isSent(name)) return
  const { employer, period, id } = filed
  const filing = await freezeFiling({
    ...{ employer, region, period, kind: 'cancellation', replaces: id },
  })
  await keep(sentNameOf(name), filing).catch(() => {})
  void senderOf(name).start(filing)
}

/** The declaration that a filing would cancel; undefined of any other filing. */
export function cancelledBy({ body }: FrozenFiling): string | undefined {
  const { kind, replaces } = JSON.parse(body) as { kind: string; replaces?: string }
  return kind === 'cancellation' ? replaces : undefined
}
