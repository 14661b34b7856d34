/**
 * What a database error means for the one who met it, by SQLSTATE or system code, never by
 * message. Appendix A of the Postgres manual lists the classes.
 */
import { tlsFaultOf } from './tls-fault.ts'

export type DatabaseFault = 'transient' | 'data' | 'schema'

const transientCodes = new Set([
  '40001', // serialization failure
  '40P01', // deadlock
  '55P03', // lock not available
  '57014', // statement time-out
  '25006', // read-only: a standby, or a primary that was demoted
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
/** 08 connection, 53 insufficient resources, 57P operator intervention, 58 system error. */
const transientClasses = /^(?:08|53|57P|58)/
/** 22 data exception, 23 integrity violation, 54 program limit exceeded. */
const dataClasses = /^(?:22|23|54)/
/** 42 undefined or forbidden object: a missing migration or grant. */
const schemaClasses = /^(?:42|3F|0A|3D|28)/

/**
 * Sorts an error thrown by `pg`. An error without a code is a connection that ended under a query
 * (pg gives those none); it is transient.
 * @returns undefined for what is not a database error
 */
export function databaseFault(error: unknown): DatabaseFault | undefined {
  if (!(error instanceof Error)) return undefined
  const code = (error as { code?: unknown }).code
  if (error instanceof AggregateError || tlsFaultOf(error) !== undefined) return 'transient'
  if (code === undefined)
    return Object.getPrototypeOf(error) === Error.prototype ? 'transient' : undefined
  if (typeof code !== 'string') return undefined
  if (transientCodes.has(code) || transientClasses.test(code)) return 'transient'
  if (dataClasses.test(code)) return 'data'
  if (schemaClasses.test(code)) return 'schema'
  return undefined
}
