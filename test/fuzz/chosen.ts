import type { Target } from './target.ts'
import { TARGETS } from './targets.ts'

/** The decoders that these words name: all of a package (`model`), or one (`model/idx`). @throws Error for one that there is not. */
export function chosenTargets(names: readonly string[]): readonly Target[] {
  for (const name of names)
    if (!TARGETS.some((target) => isNamed(target, name)))
      throw new Error(`no decoder is named "${name}"; they are ${TARGETS.map(nameOf).join(', ')}`)
  if (names.length === 0) return TARGETS
  return TARGETS.filter((target) => names.some((name) => isNamed(target, name)))
}

const nameOf = ({ name }: Target) => name
const isNamed = (target: Target, name: string) =>
  target.name === name || target.name.startsWith(`${name}/`)
