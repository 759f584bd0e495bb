import { expect, test } from 'vitest'
import { checkMemory } from './fit.ts'
import { PARAMETERS_MAX } from './limits.ts'

const sizes = { layers: 64, width: 4096, mlpWidth: 16384 }

test('a model that a machine has no memory to train is refused with what it takes', () => {
  expect(() => checkMemory(sizes, { elements: 12_888_637_450 }, 64e9)).toThrow(
    'recipe: "layers" 64, "width" 4096 and "mlpWidth" 16384 make 12888637450 parameters, and training them takes 257.8 GB of memory at least; this machine has 64.0 GB: lower those fields',
  )
  expect(() => checkMemory(sizes, { elements: 86_000_000 }, 2e9)).not.toThrow()
})

test('and so is one that no array holds, however large the machine', () => {
  expect(() => checkMemory(sizes, { elements: PARAMETERS_MAX + 1 }, 1e12)).toThrow(
    /; 4294967296 parameters are the most: lower/,
  )
})
