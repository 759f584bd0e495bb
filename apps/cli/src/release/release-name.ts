import { isReleaseName, NAME_LETTERS_MAX } from '@layerswarm/model'
import { usageError } from '../cli-error.ts'

/**
 * A name that was given, as a manifest takes it: what is published later is refused now.
 * @throws CliError `bad-usage`.
 */
export function checkedName(name: string): string {
  const said = JSON.stringify(name.slice(0, 2 * NAME_LETTERS_MAX))
  if (isReleaseName(name)) return name
  throw usageError(
    `--name takes 1 to ${NAME_LETTERS_MAX} of a-z, 0-9, ".", "_" and "-", the first a letter or a digit, not ${said}`,
  )
}

/** The name of a folder or a model as a release may be called, with room for what is put behind it. */
export function nameAfter(text: string, behind = ''): string {
  const name = text.toLowerCase().replace(/[^a-z0-9._-]+/g, '-')
  const begun = name.replace(/^[^a-z0-9]+/, '').slice(0, NAME_LETTERS_MAX - behind.length)
  return `${begun || 'imported'}${behind}`
}
