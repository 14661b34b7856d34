/** A value that screens watch: set it, and whoever uses it is drawn again. */
import { useEffect, useState } from 'preact/hooks'

export type Store<T> = {
  get(): T
  set(next: T): void
  /** @returns a function that ends it */
  watch(onChange: (value: T) => void): () => void
}

export function createStore<T>(first: T): Store<T> {
  let value = first
  const watchers = new Set<(value: T) => void>()
  return {
    get: () => value,
    set: (next) => {
      if (Object.is(next, value)) return
      value = next
      for (const tell of [...watchers]) tell(value)
    },
    watch: (onChange) => {
      watchers.add(onChange)
      return () => watchers.delete(onChange)
    },
  }
}

export function useStore<T>(store: Store<T>): T {
  const [, draw] = useState({})
  useEffect(() => {
    let seen = store.get()
    const end = store.watch((value) => {
      if (!Object.is(value, seen)) draw({})
      seen = value
    })
    draw({})
    return end
  }, [store])
  return store.get()
}
