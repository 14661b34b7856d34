/**
 * The worker of rules: holds the lines beside the page, and checks, assesses, explains and reads pasted tables without
 * the page standing still. Each message is a question with a number; each answer has it.
 */
import type { CheckedFiling } from '../../policy/check.ts'
import {
  checkLines,
  explainLine,
  foundOfLine,
  policiesOf,
  suggestionsOf,
  type Work,
} from './check.ts'
import { readPaste } from './paste.ts'
import type { Answers, Asked } from './protocol.ts'

let policies: Work['policies'] | undefined
let header: Work['header'] | undefined
let lines: Work['lines'][number][] = []
let before: Work['before'] = []
let latest: CheckedFiling | undefined

self.onmessage = ({ data }: MessageEvent<{ readonly id: number; readonly asked: Asked }>) => {
  try {
    self.postMessage({ id: data.id, answer: answerTo(data.asked) })
  } catch (error) {
    // Nothing of what was filed is in it: the class alone.
    self.postMessage({ id: data.id, failed: error instanceof Error ? error.name : 'Error' })
  }
}

function answerTo(asked: Asked): Answers[Asked['ask']] {
  switch (asked.ask) {
    case 'pack':
      policies = policiesOf(asked.text, asked.hash)
      return true
    case 'lines':
      header = asked.header
      lines = [...asked.lines]
      return true
    case 'before':
      before = asked.lines
      return true
    case 'change':
      for (const [index, line] of asked.changed) lines[index] = line
      return true
    case 'check':
      return check(asked.nowMs)
    case 'found':
      return latest === undefined ? [] : foundOfLine(latest, asked.line)
    case 'suggestions':
      return latest === undefined ? [] : suggestionsOf(latest, asked.code)
    case 'explain':
      return latest === undefined ? { line: [], unit: [] } : explainLine(latest, asked.line)
    case 'paste':
      return readPaste(asked.text)
  }
}

function check(nowMs: number): Answers['check'] {
  if (policies === undefined || header === undefined)
    throw new RangeError('checked before there were rules')
  const { checked, filing } = checkLines({ policies, header, lines, before }, nowMs)
  latest = filing
  return checked
}
