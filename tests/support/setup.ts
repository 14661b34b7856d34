/** What runs before each test file. */
import { restartGenerators } from './generators.ts'

restartGenerators()
