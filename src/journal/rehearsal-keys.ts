/** How the keys of a rehearsal differ from live ones: their ids say so, in tokens and receipts too. */

export const rehearsalKidPrefix = 'rehearsal-'

export function isOfRehearsal(kid: unknown): boolean {
  return typeof kid === 'string' && kid.startsWith(rehearsalKidPrefix)
}
