/** What is sent and what is answered, by the names of the API. */
import type { components } from './api.ts'

type Schemas = components['schemas']

export type Declaration = Schemas['Declaration']
export type Line = NonNullable<Declaration['lines']>[number]
export type Receipt = Schemas['Receipt']
export type Accepted = Schemas['Accepted']
export type Amount = Schemas['Amount']
export type Assessment = Schemas['Assessment']
export type Checked = Schemas['Checked']
export type DeclarationStatus = Schemas['DeclarationStatus']
