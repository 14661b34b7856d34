/**
 * Policy packs from a folder: one folder for each region, one JSON file for each of its parts. What
 * is shipped lies in src/policy/packs; POLICY_DIR names another.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sha256Hex } from '../../journal/digest.ts'
import { lintPack } from '../../policy/lint.ts'
import type { LintFault } from '../../policy/lint-fault.ts'
import { type PolicyPack, packSchema } from '../../policy/pack.ts'
import { createPolicies, type Policies } from '../../policy/rules.ts'
import { UsageError } from '../command/failure.ts'
import { parseJson, textOf } from '../command/text-file.ts'

export const shippedPacks = fileURLToPath(new URL('../../policy/packs', import.meta.url))

export class PackError extends Error {
  override name = 'PackError'
}

/** A pack as it lies in its folder, whether it is well-formed or not. */
export type PackFolder = {
  readonly folder: string
  readonly content: Readonly<Record<string, unknown>>
  /** Files that can't be read as JSON. */
  readonly faults: readonly LintFault[]
}

/** @throws PackError when there is no such folder */
export function readPackFolder(folder: string): PackFolder {
  const faults: LintFault[] = []
  const found = new Map<string, unknown>()
  for (const file of namesIn(folder).filter((name) => name.endsWith('.json'))) {
    try {
      found.set(
        file.slice(0, -5),
        parseJson(textOf(readFileSync(path.join(folder, file)), file), file),
      )
    } catch (error) {
      const { message: said } = error as Error
      const message = error instanceof UsageError ? said : `This is not JSON: ${said}.`
      faults.push({ severity: 'error', file, key: '', message })
    }
  }
  // In the schema's order, so that the hash doesn't depend on how a folder is listed.
  const parts = Object.keys(packSchema.properties)
  const order = (name: string) => (parts.includes(name) ? parts.indexOf(name) : parts.length)
  const names = [...found.keys()].sort((one, other) => order(one) - order(other))
  return {
    folder,
    content: Object.fromEntries(names.map((name) => [name, found.get(name)])),
    faults,
  }
}

/** Faults of a pack folder, also where its name is not the region's. */
export function lintPackFolder(
  { folder, content, faults }: PackFolder,
  today: string | undefined,
): LintFault[] {
  if (faults.length > 0) return [...faults]
  const code = (content.region as { code?: unknown } | undefined)?.code
  const misnamed: LintFault = {
    severity: 'error',
    file: 'region.json',
    key: 'code',
    message: `The folder is ${path.basename(folder)}, the region ${String(code)}: give both the same name.`,
  }
  const inside = lintPack(content, today)
  return code === path.basename(folder) ? inside : [misnamed, ...inside]
}

/**
 * All packs of a folder of packs.
 * @throws PackError naming every fault with its file and key: a process must not start with one
 */
export function readPacks(policyDir: string): PolicyPack[] {
  const folders = packFolders(policyDir)
  if (folders.length === 0) throw new PackError(`There is no policy pack in ${policyDir}.`)
  return withoutFaults(folders)
}

/**
 * The pack of one folder.
 * @throws PackError
 */
export function readPack(folder: string): PolicyPack {
  return withoutFaults([folder])[0] as PolicyPack
}

/** The folders of packs in a policy folder. */
export function packFolders(policyDir: string): string[] {
  return namesIn(policyDir)
    .map((name) => path.join(policyDir, name))
    .filter((one) => statSync(one).isDirectory())
}

function withoutFaults(folders: readonly string[]): PolicyPack[] {
  const read = folders.map(readPackFolder)
  const faults = read.flatMap((one) =>
    lintPackFolder(one, undefined)
      .filter(({ severity }) => severity === 'error')
      .map((fault) => `${path.join(one.folder, fault.file)} ${fault.key}: ${fault.message}`),
  )
  if (faults.length > 0) {
    throw new PackError(`The policy packs have faults.\n${faults.join('\n')}`)
  }
  return read.map(({ content }) => content as PolicyPack)
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (cause) {
    throw new PackError(
      `There is no folder ${folder}: set POLICY_DIR to a folder of policy packs.`,
      {
        cause,
      },
    )
  }
}

/**
 * The policies of a process: the packs of POLICY_DIR, or those that are shipped.
 * @throws PackError
 */
export function readPolicies(policyDir: string | undefined): Policies {
  return createPolicies({ packs: readPacks(policyDir ?? shippedPacks), sha256Hex })
}
