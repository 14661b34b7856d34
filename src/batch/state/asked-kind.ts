/** What a file is sent as: a kind of declaration, or an addition of persons to what stands. */
import { type DeclarationKind, declarationKinds } from '../../declaration/schema.ts'

export const askedKinds = [...declarationKinds, 'addition'] as const
export type AskedKind = (typeof askedKinds)[number]

/**
 * What a unit of it is filed as. What is merged with something is a correction, which replaces it; an
 * addition where nothing stands is a regular declaration.
 */
export function kindOf(asked: AskedKind, keeps: unknown): DeclarationKind {
  if (keeps !== undefined) return 'correction'
  return asked === 'addition' ? 'regular' : asked
}
