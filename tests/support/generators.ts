/**
 * Generators that several helpers share. One worker process runs many test files: a generator begins anew with
 * each, so that a file meets the same data whatever ran before it.
 */
import { createGenerator, type Generator } from '../../bench/support/generator.ts'

const restarts: (() => void)[] = []

/** A generator that restarts from its seed at the beginning of each test file. */
export function fileGenerator(seed: number): Generator {
  const generator = createGenerator(seed)
  restarts.push(() => Object.assign(generator, createGenerator(seed)))
  return generator
}

/** Called before each test file (setup.ts). */
export function restartGenerators(): void {
  for (const restart of restarts) restart()
}
