/** `npm run bench` knows every benchmark that there is. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'

test('every benchmark has its command, and is among those that all run', async () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object }
  const commands = Object.keys(scripts).flatMap((name) => /^bench:(.+)/.exec(name)?.[1] ?? [])
  const run = runCommand('bench/all.ts', {}, ['--only', 'none of them'])
  expect(await run.done).toBe(2)
  const named = /Benchmarks: (.+)/.exec(run.output())?.[1]?.split(', ')
  expect(named?.sort()).toEqual(commands.sort())
})
