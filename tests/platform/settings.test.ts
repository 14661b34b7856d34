import { expect, test } from 'vitest'
import { ConfigError, readConfig } from '../../src/platform/config/config.ts'

test('a misspelt setting is named with the one that is meant; names of other programs are left alone', () => {
  const others = {
    ...{ DATABASE_HOST: 'a', LD_LIBRARY_PATH: 'b', PGDATABASE: 'c', REDIS_HOST: 'd' },
    ...{ npm_config_cache: 'e', NODE_ENV: 'f', HOSTNAME: 'g', PORTS: 'h' },
  }
  expect(readConfig(others).standbys).toBe(0)
  for (const [name, setting] of [
    ['SYNCHRONOUS_STANDBY', 'SYNCHRONOUS_STANDBYS'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['BACKLOG_SECONDS', 'BACKLOG_SECONDS_MAX'],
    ['REDIS_URI', 'REDIS_URL'],
    ['TOKEN_AUDIANCE', 'TOKEN_AUDIENCE'],
  ]) {
    const read = () => readConfig({ ...others, [name as string]: '1' })
    expect(read, name).toThrow(ConfigError)
    expect(read).toThrow(`${name} is no setting: ${setting} is, so correct or remove it`)
  }
})
