import { usageError } from '../cli-error.ts'
import { SIMULATION_SEED_MAX } from '../limits.ts'
import { type Option, parseLayers } from './option.ts'

/** Percentages as `2,10,39`; as shares from 0 to 1. */
export function percentages(help: string): Option<readonly number[] | undefined> {
  return listOption('2,10,39', help, (word, given, flag) => {
    const percent = word.trim() === '' ? Number.NaN : Number(word)
    if (percent > 0 && percent <= 99) return percent / 100
    throw usageError(`${flag} takes percentages above 0 up to 99 as 2,10,39, not "${given}"`)
  })
}

/** Seeds as `1,2,3`. */
export function seedList(help: string): Option<readonly number[] | undefined> {
  return listOption('1,2,3', help, (word, given, flag) => {
    const seed = /^\d+$/.test(word) ? Number(word) : Number.NaN
    if (seed <= SIMULATION_SEED_MAX) return seed
    throw usageError(
      `${flag} takes whole numbers up to ${SIMULATION_SEED_MAX} as 1,2,3, not "${given}"`,
    )
  })
}

/** Names as `a,b`; which of them exist, the lab knows. */
export function nameList(help: string): Option<readonly string[] | undefined> {
  return listOption('a,b', help, (word) => word)
}

/** A list with commas, in which nothing stands twice. */
function listOption<T>(
  placeholder: string,
  help: string,
  read: (word: string, given: string, flag: string) => T,
): Option<readonly T[] | undefined> {
  return {
    kind: 'text',
    placeholder,
    help,
    read([given], flag) {
      const list = given?.split(',').map((word) => read(word, given, flag))
      const twice = list?.findIndex((one, index) => list.indexOf(one) !== index) ?? -1
      if (twice >= 0) throw usageError(`${flag} names ${given?.split(',')[twice]} twice`)
      return list
    },
  }
}

/** A provider's layers as `0,1` or `0-3`, a provider after the other with slashes; whether a world can have them, the lab knows. */
export function hostedLayers(help: string): Option<readonly (readonly number[])[] | undefined> {
  return {
    kind: 'text',
    placeholder: '0,1/2-4',
    help,
    read: ([given], flag) =>
      given?.split('/').map((one) => {
        if (one.trim() !== '') return parseLayers(one, flag)
        throw usageError(`${flag} takes the layers of each provider as 0,1/2-4, not "${given}"`)
      }),
  }
}

/** Settings as `a.b=c`, each once, as names and values; undefined for none. */
export function settingChanges(help: string): Option<Readonly<Record<string, string>> | undefined> {
  return {
    kind: 'text',
    placeholder: 'a.b=c',
    help,
    repeatable: true,
    read(changes, flag) {
      const set = new Map<string, string>()
      for (const change of changes) {
        const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(change) ?? []
        if (name === undefined) throw usageError(`${flag} takes NAME=VALUE, not "${change}"`)
        if (set.has(name)) throw usageError(`${flag} ${name} is given twice`)
        set.set(name, value)
      }
      return set.size === 0 ? undefined : Object.fromEntries(set)
    },
  }
}
