/** What a settled filing is of. */
import type { FrozenFiling } from '../../client/client.ts'

/** The declaration that a filing would cancel; undefined of any other filing. */
export function cancelledBy({ body }: FrozenFiling): string | undefined {
  const { kind, replaces } = JSON.parse(body) as { kind: string; replaces?: string }
  return kind === 'cancellation' ? replaces : undefined
}
