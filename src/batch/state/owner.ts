/**
 * The owner of a file or a slot: a subject of an issuer. The same subject of another issuer is another
 * person. Rows from before issuers were recorded have none: in SQL, `issuer in ($n, '')`.
 */
export type Owner = { readonly issuer: string; readonly subject: string }

/**
 * An Idempotency-Key contains no space, so this key differs from those of other issuers and from older
 * ones.
 */
export function ownerKeyOf({ issuer }: Owner, key: string): string {
  return `${issuer} ${key}`
}
