/** Cancels a declaration: settled and kept before it is sent, as any filing is (sender.ts). */
import { freezeFiling } from '../../client/client.ts'
import type { Filed } from '../state/declarations.ts'
import type { DeskName } from './desk.ts'
import { keep } from './sealed.ts'
import { isSent, senderOf, sentNameOf } from './sender.ts'

/** @returns false where another filing of the month has no answer yet: that one goes on, and nothing else. */
export async function sendCancellation(
  name: DeskName,
  filed: Filed,
  region: string,
): Promise<boolean> {
  if (await isSent(name)) return false
  const { employer, period, id } = filed
  const filing = await freezeFiling({
    ...{ employer, region, period, kind: 'cancellation', replaces: id },
  })
  await keep(sentNameOf(name), filing).catch(() => {})
  void senderOf(name).start(filing)
  return true
}
