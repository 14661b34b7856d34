/** What a file is sent as: a kind of declaration, or an addition of persons to what stands. */
import { type DeclarationKind, declarationKinds } from '../../declaration/schema.ts'

export const requestedKinds = [...declarationKinds, 'addition'] as const
export type RequestedKind = (typeof requestedKinds)[number]

/**
 * What a unit of it is filed as. What is merged with something is a correction, which replaces it; an
 * addition where nothing stands is a regular declaration.
 */
export function filedKindOf(requested: RequestedKind, prior: unknown): DeclarationKind {
  if (prior !== undefined) return 'correction'
  return requested === 'addition' ? 'regular' : requested
}
