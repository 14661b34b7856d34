/**
 * What a file is sent as: a kind of declaration, or an addition of persons to the current declaration.
 */
import { type DeclarationKind, declarationKinds } from '../../declaration/schema.ts'

export const requestedKinds = [...declarationKinds, 'addition'] as const
export type RequestedKind = (typeof requestedKinds)[number]

/**
 * What a unit of the file is filed as. A unit that is merged with a prior declaration is a correction,
 * which replaces it. An addition without a current declaration is a regular declaration.
 */
export function filedKindOf(requested: RequestedKind, prior: unknown): DeclarationKind {
  if (prior !== undefined) return 'correction'
  return requested === 'addition' ? 'regular' : requested
}
