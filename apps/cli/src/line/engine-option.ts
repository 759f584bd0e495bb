import { choice, type Option } from './option.ts'

/** The engines that Node can run; `auto` takes the fastest that starts. */
export const ENGINE_CHOICES = ['auto', 'ort-node', 'ort-wasm', 'reference'] as const

/** One of `ENGINE_CHOICES`. */
export type EngineChoice = (typeof ENGINE_CHOICES)[number]

/** The flag --engine. @param help what it says in the help of the command. */
export function engineOption(help: string): Option<EngineChoice> {
  return choice(ENGINE_CHOICES, help, 'auto')
}
