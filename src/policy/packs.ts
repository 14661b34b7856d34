/** The policy packs that ship with the engine. */
import type { PolicyPack } from './pack.ts'
import hefei from './packs/340100.json' with { type: 'json' }

export const packs: readonly PolicyPack[] = [hefei as PolicyPack]
