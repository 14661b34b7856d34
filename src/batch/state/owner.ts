/**
 * Who a file or a slot belongs to: a subject of an issuer. The same subject of another issuer is another
 * person. What was begun before issuers were kept has none: in SQL, `issuer in ($n, '')`.
 */
export type Owner = { readonly issuer: string; readonly subject: string }

/** An Idempotency-Key has no space: this is no other subject's, and none from before issuers were kept. */
export function ownerKeyOf({ issuer }: Owner, key: string): string {
  return `${issuer} ${key}`
}
