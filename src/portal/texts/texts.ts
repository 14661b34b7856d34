/** The catalogue: every text that the portal shows, in Chinese and English. */
import { correct } from './correct.ts'
import { declare } from './declare.ts'
import { entry } from './entry.ts'
import { files } from './files.ts'
import { filing } from './filing.ts'
import { general } from './general.ts'
import { meaning } from './meaning.ts'
import { verify } from './verify.ts'

export const texts = { general, entry, declare, filing, correct, files, meaning, verify } as const
