/** What `/livez` answers while a process that makes no progress is about to end. */
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { healthRoutes } from '../../src/intake/routes/health.ts'

test('a process whose commits do not get through is not ready, and says what they wait for', async () => {
  let commits = ''
  const app = Fastify()
  healthRoutes(app, {
    checkDatabase: async () => {},
    isDraining: () => false,
    durability: () => ({ refuses: false, settings: '' }),
    commitTrouble: () => commits,
    keysTrouble: () => '',
    queueTrouble: () => '',
    stuck: () => undefined,
  })
  expect((await app.inject('/readyz')).statusCode).toBe(200)
  commits = 'commits wait for standbys (0 connected)'
  const waiting = await app.inject('/readyz')
  expect(waiting.statusCode).toBe(503)
  expect(waiting.json()).toMatchObject({ status: 'unavailable', database: 'ok', commits })
  expect((await app.inject('/livez')).statusCode).toBe(200)
  await app.close()
})

test('a process that makes no progress says why, and one that does is well', async () => {
  let reason: string | undefined
  const app = Fastify()
  healthRoutes(app, {
    checkDatabase: async () => {},
    isDraining: () => false,
    durability: () => ({ refuses: false, settings: '' }),
    commitTrouble: () => '',
    keysTrouble: () => '',
    queueTrouble: () => '',
    stuck: () => reason,
  })
  expect((await app.inject('/livez')).json()).toEqual({ status: 'ok' })
  reason = '3 envelopes wait, and none was taken for 16 s'
  const stuck = await app.inject('/livez')
  expect(stuck.statusCode).toBe(503)
  expect(stuck.json()).toEqual({ status: 'stuck', reason })
  await app.close()
})
