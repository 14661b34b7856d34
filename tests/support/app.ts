/** Intake as an app without a port, on a test's own database and clock. */

import type pg from 'pg'
import pino from 'pino'
import { inject } from 'vitest'
import type { AccessLog } from '../../src/access/log.ts'
import { createSlotStore } from '../../src/batch/slots/slot-store.ts'
import { createReceiptOf } from '../../src/batch/uploads/batch-receipts.ts'
import { openRunningDigest } from '../../src/batch/uploads/running-digest.ts'
import { createUploadStore } from '../../src/batch/uploads/upload-store.ts'
import { buildApp } from '../../src/intake/app.ts'
import { type Authenticator, createAuthenticator } from '../../src/intake/auth/authentication.ts'
import { tokenKeys } from '../../src/intake/auth/token-keys.ts'
import type { ShedAt } from '../../src/intake/overload/admission.ts'
import { readPortal } from '../../src/intake/portal/portal-files.ts'
import type { SignInWay } from '../../src/intake/portal/sign-in.ts'
import { Seals } from '../../src/intake/sessions/seals.ts'
import type { SessionRules } from '../../src/intake/sessions/session.ts'
import { httpDefaults } from '../../src/intake/wire/http-limits.ts'
import { openOverload } from '../../src/intake-process/overload.ts'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { type Confirm, createConfirm } from '../../src/journal/durable.ts'
import { GroupCommit } from '../../src/journal/group-commit.ts'
import { recordPacks } from '../../src/journal/policy-packs.ts'
import { ReadPool } from '../../src/journal/reading/read-pool.ts'
import { createPersonIndex } from '../../src/ledger/person.ts'
import { backlogSecondsMax, statusWaitersMax } from '../../src/limits.ts'
import { databaseFault } from '../../src/platform/command/sqlstate.ts'
import { readConfig } from '../../src/platform/config/config.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import type { Policies } from '../../src/policy/rules.ts'
import { tokenFor } from './engine.ts'
import type { Journal } from './journal.ts'

export type AppOptions = {
  readonly policies: Policies
  /** Microseconds since 1970; tests move it. */
  readonly clock: { nowMicros: number }
  /** For lookups, and for what many watch; the journal's unless given. */
  readonly readPool?: pg.Pool
  readonly watchPool?: pg.Pool
  /** Whether filings are refused because nothing may be accepted now; never unless given. */
  readonly refuses?: () => boolean
  /** Waits until what can be seen is durable; the journal's pool unless given. */
  readonly confirm?: Confirm
  /** Answers that wait for a status. */
  readonly waitersMax?: number
  /** Of the tokens that are taken. */
  readonly issuer?: string
  /** Who is let in; whoever has a token of the keyring unless given. */
  readonly authenticator?: Authenticator
  readonly hstsSeconds?: number
  /** When classes of requests are given up; as ever unless given. */
  readonly shedAt?: Partial<ShedAt>
  /** Proxies that are believed who the client is. */
  readonly trustedProxies?: readonly string[]
  /** Where reads are noted. */
  readonly accessLog?: AccessLog
  /** Of the portal: without TLS, with the keys of the keyring, unless given. */
  readonly session?: Partial<SessionRules>
  /** How people sign in; not unless given. */
  readonly signIn?: SignInWay
  /** A folder with the portal as it was built. */
  readonly portalDir?: string
  /** Silent unless given. */
  readonly logger?: pino.Logger
}

export async function openApp(
  journal: Journal,
  {
    policies,
    clock,
    readPool = journal.readPool,
    watchPool = journal.pool,
    refuses,
    waitersMax,
    issuer = 'spillway',
    authenticator,
    hstsSeconds = 0,
    shedAt = {},
    trustedProxies = [],
    accessLog,
    session = {},
    signIn,
    portalDir,
    logger = pino({ level: 'silent' }),
    confirm = createConfirm(journal.pool),
  }: AppOptions,
) {
  const { pool } = journal
  const keyring = readKeyring(inject('keyringFile'))
  const [signer] = keyring.receiptKeys
  const [sealingKey] = keyring.sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  await recordPacks(pool, policies)
  const envelopes: bigint[] = []
  const overload = openOverload({
    signals: () => ({ lateMs: 0, memory: 0, disk: 0 }),
    bodiesHeldBytesMax: httpDefaults.bodiesHeldBytesMax,
    shedAt: { ...readConfig({}).shedAt, ...shedAt },
    backlogSecondsMax,
    secret: keyring.blindIndexSecret,
    pool,
    nowMicros: () => clock.nowMicros,
    onShed: () => {},
    unable: () => undefined,
  })
  const committer = new GroupCommit({
    times: overload.limit.times,
    targetMs: () => overload.limit.targetMs,
    acceptGroup: createAcceptGroup({
      pool,
      signer,
      sealingKey,
      salts: keyring.salts,
      environment: () => 'test',
      lane: 'filing',
    }),
    isTransient: () => false,
    onCommitted: ({ envelope }) => {
      if (envelope !== undefined) envelopes.push(envelope)
    },
  })
  const keys = tokenKeys({ publicJwk: keyring.tokenKeys.map(({ publicJwk }) => publicJwk) })
  const app = await buildApp({
    logger,
    authenticator:
      authenticator ?? createAuthenticator({ issuer, audience: 'spillway', keys, now: Date.now }),
    session: {
      seals: new Seals(() => keyring.sessionKeys),
      ...{ isSecure: false, isRehearsal: false, origin: undefined },
      ...session,
    },
    signIn,
    portal: portalDir === undefined ? undefined : readPortal(portalDir),
    environment: 'test',
    policies,
    sealingKeys: keyring.sealingKeys,
    salts: keyring.salts,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    submit: (filing) => committer.submit(filing),
    ...overload.dependencies,
    refuses: refuses ?? (() => false),
    nowMicros: () => clock.nowMicros,
    readPool: new ReadPool(readPool),
    watchPool,
    confirm,
    uploads: createUploadStore({
      pool,
      confirm,
      inTransaction,
      sealingKeys: keyring.sealingKeys,
      salts: keyring.salts,
      runningDigest: await openRunningDigest(),
      nowMicros: () => clock.nowMicros,
      receiptOf: createReceiptOf({ signer, policies, environment: () => 'test' }),
    }),
    slots: createSlotStore({ pool, confirm, inTransaction }),
    isTransient: (error) => databaseFault(error) === 'transient',
    receiptKeys: [],
    hstsSeconds,
    readiness: {
      checkDatabase: async () => {},
      isDraining: () => false,
      stuck: () => undefined,
      durability: () => ({ refuses: false, settings: '' }),
      commitTrouble: () => '',
      keysTrouble: () => '',
      queueTrouble: () => '',
    },
    onAnswered: () => {},
    http: httpDefaults,
    trustedProxies,
    accessLog,
    statusWaitersMax: waitersMax ?? statusWaitersMax,
    onCut: () => {},
  })
  const tokens = new Map<string, string>()
  const headersFor = async (employers: readonly string[]) => {
    const key = employers.join()
    const token = tokens.get(key) ?? (await tokenFor(employers))
    tokens.set(key, token)
    return { authorization: `Bearer ${token}` }
  }
  return {
    app,
    outages: overload.dependencies.outages,
    admission: overload.dependencies.admission,
    /** How long answers take of late. */
    answerMs: overload.dependencies.answerMs,
    limit: overload.limit,
    /** Numbers of the envelopes that were committed. */
    envelopes,
    headersFor,
    file: async <T extends { employer: string }>(
      declaration: T,
      key: string,
      more: Record<string, string> = {},
    ) =>
      app.inject({
        method: 'POST',
        url: '/v1/declarations',
        headers: { ...(await headersFor([declaration.employer])), 'idempotency-key': key, ...more },
        payload: declaration,
      }),
    check: async <T extends { employer: string }>(
      declaration: T,
      more: Record<string, string> = {},
      query = '',
    ) =>
      app.inject({
        method: 'POST',
        url: `/v1/declarations/check${query}`,
        headers: { ...(await headersFor([declaration.employer])), ...more },
        payload: declaration,
      }),
    get: async (url: string, employer?: string, more: Record<string, string> = {}) =>
      app.inject({
        url,
        headers: { ...(employer === undefined ? {} : await headersFor([employer])), ...more },
      }),
    close: async () => {
      await app.close()
      await committer.stop()
      await overload.stop()
    },
  }
}
