import { ModelError } from '@layerswarm/model'

/** @throws ModelError `bad-spec` for a field of config.json. */
export function failConfig(field: string, message: string): never {
  throw new ModelError({ code: 'bad-spec', field }, `config.json: ${message}`)
}

/** A value of a document in an error: nobody knows how deep or long it is. */
export function inWords(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** The fields of a document, none of what is no object. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
