/** Reads one line that is not plain: every fault of its shape, and of its person. */
import { Compile } from 'typebox/compile'

import {
  type CharacterKind,
  codePointOf,
  type FoundCharacter,
  findCharacter,
  findUnseen,
  isPlaceholder,
  standardFor,
  withoutUnseen,
} from './characters.ts'
import type { Report } from './findings.ts'
import { formats } from './formats.ts'
import { checkIdNumber, normaliseIdNumber, personKey } from './identity.ts'
import { categories, type Line, lineSchemas, type Person } from './schema.ts'
import { readShape, type Schema, type WellFormed } from './shape.ts'
import { isUnreadable, replacedTwice } from './unreadable-name.ts'

/** Members that were filed and are malformed are there and undefined; they have findings of their own. */
export type LineParts = WellFormed<Line>

export type ReadLine = {
  /** The well-formed parts of a line of a known category, whatever rules they break. */
  readonly line: LineParts | undefined
  /** 0 when the number can't be anybody's, so isn't looked for in other lines. */
  readonly personKey: number
}

const compiled = {
  employee: Compile(lineSchemas.employee),
  flexible: Compile(lineSchemas.flexible),
  platform: Compile(lineSchemas.platform),
}

/** For a line of no known category: what all of them share. */
const anyLine = {
  ...lineSchemas.employee,
  properties: {
    person: lineSchemas.employee.properties.person,
    category: { enum: categories },
  },
  required: ['person', 'category'],
} as unknown as Schema

/** Members that a line of some category has. */
const knownMembers = new Set(
  Object.values(lineSchemas).flatMap(({ properties }) => Object.keys(properties)),
)

export function readLine(value: unknown, today: number, report: Report): ReadLine {
  const parts = readParts(value, report)
  return {
    line: parts.category === undefined ? undefined : (parts as LineParts),
    personKey: parts.person === undefined ? 0 : checkPerson(parts.person, today, report),
  }
}

type AnyParts = {
  readonly person?: WellFormed<Person> | undefined
  readonly category?: string | undefined
}

function readParts(value: unknown, report: Report): AnyParts {
  const category = (value as { category?: unknown } | null | undefined)?.category
  const known = categories.find((one) => one === category)
  if (known !== undefined) {
    if (compiled[known].Check(value)) return value
    return readShape(lineSchemas[known] as Schema, value, formats, report) as object
  }
  // Members of all categories pass: which of them belong depends on the one that was meant.
  const lenient: Report = (field, code, params, suggestion) => {
    if (code === 'FIELD_UNKNOWN' && knownMembers.has(field.slice(1))) return
    report(field, code, params, suggestion)
  }
  return (readShape(anyLine, value, formats, lenient) ?? {}) as object
}

function checkPerson(
  { name, idNumber, idType }: WellFormed<Person>,
  today: number,
  report: Report,
): number {
  if (name !== undefined) checkName(name, report)
  if (idNumber === undefined || idType === undefined) return 0
  const number = normaliseIdNumber(idNumber)
  const fault = checkIdNumber(idType, number, today)
  if (fault !== undefined) {
    if (isPlaceholder(idNumber)) report('/person/idNumber', 'PERSON_PLACEHOLDER')
    else report('/person/idNumber', fault.code, fault.params)
    return 0
  }
  const unseen = findUnseen(idNumber)
  if (unseen !== undefined) report('/person/idNumber', 'ID_INVISIBLE', paramsOf(unseen))
  else if (number !== idNumber) report('/person/idNumber', 'ID_FULL_WIDTH')
  return personKey(idType, number, today)
}

/** A space between two Chinese characters. */
const innerSpace = /\p{Script=Han}\s\p{Script=Han}/u

function checkName(name: string, report: Report): void {
  const telling: Report = (_, code, params) => report('/person/name', code, params)
  const seen = withoutUnseen(name)
  const trimmed = seen.trim()
  const found = findCharacter(name)
  if (found !== undefined && !warned.has(found.kind)) {
    telling('', 'NAME_CHARACTERS', paramsOf(found))
  } else if (name.includes(replacedTwice)) {
    const position = [...name.slice(0, name.indexOf(replacedTwice))].length + 1
    telling('', 'NAME_CHARACTERS', { position, character: 'U+951F U+65A4 U+62F7' })
  } else if (trimmed === '') telling('', 'NAME_BLANK')
  else if (isPlaceholder(trimmed)) telling('', 'PERSON_PLACEHOLDER')
  else {
    if (found?.kind === 'formerPrivate') telling('', 'NAME_PRIVATE', privateParams(name, found))
    else if (found !== undefined) telling('', 'NAME_INVISIBLE', paramsOf(found))
    if (isUnreadable(trimmed)) telling('', 'NAME_UNREADABLE')
    if (trimmed !== seen || innerSpace.test(seen)) telling('', 'NAME_SPACES')
  }
}

/** The name is kept with these characters, with a warning. */
const warned: ReadonlySet<CharacterKind> = new Set(['invisible', 'bidirectional', 'formerPrivate'])

const paramsOf = ({ position, character }: FoundCharacter) => ({ position, character })

function privateParams(name: string, found: FoundCharacter) {
  const standard = standardFor([...name][found.position - 1] as string) as string
  return { ...paramsOf(found), standard: codePointOf(standard) }
}
