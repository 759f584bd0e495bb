import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

interface Locked {
  optionalDependencies?: Record<string, string>
  resolved?: string
}

const text = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')
const { packages } = JSON.parse(text) as { packages: Record<string, Locked> }

describe('the lockfile', () => {
  test('knows the optional packages of every platform, or `npm ci` would refuse it', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) =>
          !(`${path}/node_modules/${name}` in packages) && !(`node_modules/${name}` in packages),
      ),
    )
    expect(missing, 'run `node scripts/complete-lockfile.mjs`').toEqual([])
  })

  test('names no registry', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved?.includes('://'))).toEqual([])
  })

  test('keeps React Native out', () => {
    expect(packages['node_modules/react-native']).toBeUndefined()
    expect(packages['node_modules/react-native-webrtc']?.resolved).toBe('scripts/empty-package')
  })
})
