import { LAYER_DTYPES, type LayerDtype } from '@layerswarm/model'
import { choice, type Option, parseChoice } from './option.ts'

const CHOICES = ['auto', ...LAYER_DTYPES] as const

/** Which files of its layers a peer loads. @param help what it says in the help of the command. */
export function layerFilesOption(help: string): Option<'auto' | LayerDtype> {
  return choice(CHOICES, help, 'auto')
}

/** Kinds of layer files with commas between them, each once, the largest first. */
export function layerKindsOption(help: string): Option<readonly LayerDtype[]> {
  return {
    kind: 'text',
    placeholder: 'int8,int4',
    help,
    read: ([value = ''], flag) => {
      if (value === '') return []
      const named = value.split(',').map((word) => parseChoice(word.trim(), LAYER_DTYPES, flag))
      return LAYER_DTYPES.filter((dtype) => named.includes(dtype))
    },
  }
}
