/**
 * What somebody has entered, kept in this browser and sealed: AES-256-GCM with a key that no script can read out, so
 * a copied profile folder of another program opens nothing by itself. On a shared computer it is kept in memory alone.
 * Nothing here is a filing: it is gone after the receipt, or when somebody signs out.
 */

type Sealed = {
  readonly iv: Uint8Array<ArrayBuffer>
  readonly bytes: ArrayBuffer
  readonly savedAtMs: number
}

export type Kept<T> = { readonly value: T; readonly savedAtMs: number }

const sharedKey = 'spillway-shared'
const memory = new Map<string, Kept<unknown>>()

export function isShared(): boolean {
  try {
    return sessionStorage.getItem(sharedKey) === 'yes'
  } catch {
    return true
  }
}

export function setShared(shared: boolean): void {
  try {
    sessionStorage.setItem(sharedKey, shared ? 'yes' : 'no')
  } catch {}
}

export async function keep(name: string, value: unknown): Promise<void> {
  const savedAtMs = Date.now()
  memory.set(name, { value, savedAtMs })
  if (isShared()) return
  const key = await sealingKey()
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const text = new TextEncoder().encode(JSON.stringify(value))
  const bytes = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: named(name) },
    key,
    text,
  )
  const sealed: Sealed = { iv, bytes, savedAtMs }
  await inStore('drafts', 'readwrite', (store) => store.put(sealed, name))
}

export async function find<T>(name: string): Promise<Kept<T> | undefined> {
  if (isShared()) return memory.get(name) as Kept<T> | undefined
  try {
    const sealed = await inStore<Sealed | undefined>('drafts', 'readonly', (store) =>
      store.get(name),
    )
    if (sealed === undefined) return undefined
    const key = await sealingKey()
    const opened = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: sealed.iv, additionalData: named(name) },
      key,
      sealed.bytes,
    )
    return { value: JSON.parse(new TextDecoder().decode(opened)) as T, savedAtMs: sealed.savedAtMs }
  } catch {
    return memory.get(name) as Kept<T> | undefined // storage is closed to this page, or its key is gone
  }
}

export async function forget(name: string): Promise<void> {
  memory.delete(name)
  if (!isShared())
    await inStore('drafts', 'readwrite', (store) => store.delete(name)).catch(() => {})
}

/** All of it, and the key: what was sealed with it opens for nobody any more. */
export async function forgetAll(): Promise<void> {
  memory.clear()
  await inStore('drafts', 'readwrite', (store) => store.clear()).catch(() => {})
  await inStore('keys', 'readwrite', (store) => store.clear()).catch(() => {})
}

/** Names of what is kept, without opening any of it. */
export async function keptNames(): Promise<readonly string[]> {
  if (isShared()) return [...memory.keys()]
  const names = await inStore<IDBValidKey[]>('drafts', 'readonly', (store) =>
    store.getAllKeys(),
  ).catch(() => [])
  return [...new Set([...names.map(String), ...memory.keys()])]
}

const named = (name: string) => new TextEncoder().encode(`spillway draft ${name}`)

async function sealingKey(): Promise<CryptoKey> {
  const kept = await inStore<CryptoKey | undefined>('keys', 'readonly', (store) =>
    store.get('seal'),
  )
  if (kept !== undefined) return kept
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ])
  // Of two tabs that come at once the first key stays: what the other sealed must open, too.
  await inStore('keys', 'readwrite', (store) => store.add(made, 'seal')).catch(() => {})
  return (
    (await inStore<CryptoKey | undefined>('keys', 'readonly', (store) => store.get('seal'))) ?? made
  )
}

let opening: Promise<IDBDatabase> | undefined

function database(): Promise<IDBDatabase> {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('spillway', 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('keys')
      request.result.createObjectStore('drafts')
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  return opening
}

async function inStore<T>(
  name: 'keys' | 'drafts',
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest,
): Promise<T> {
  const db = await database()
  return new Promise((resolve, reject) => {
    // Strict: what is kept before a filing is sent is on the disk before it is sent.
    const transaction = db.transaction(name, mode, { durability: 'strict' })
    const request = act(transaction.objectStore(name))
    transaction.oncomplete = () => resolve(request.result as T)
    transaction.onerror = () => reject(transaction.error)
    transaction.onabort = () => reject(transaction.error)
  })
}
