import { defineConfig } from 'vitest/config'
import { LongestFirst } from './support/longest-first.ts'
import { filesByProject, projects } from './support/projects.ts'

const files = filesByProject()

export default defineConfig({
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    // Whatever else the machine does: a wait for a condition ends long before.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Two at a time left a fifth of two cores idle, as many files wait for Postgres, a clock or a process.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: projects.map((name) => ({
      extends: true,
      test: {
        name,
        include: files[name],
        setupFiles: ['tests/support/setup.ts'],
        // One process runs many files: it loads packages and sources once. setup.ts says what begins anew.
        isolate: false,
      },
    })),
  },
})
