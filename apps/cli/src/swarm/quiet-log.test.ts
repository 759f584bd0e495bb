import { expect, test } from 'vitest'
import { isRoutine } from './quiet-log.ts'

test.each([
  'info ready listening on http://127.0.0.1:9000 peer=12D3',
  'volunteer 1: joining: opening the network',
  'volunteer 12: hosting layers 0, 4',
  'volunteer 2: connected to the server http://127.0.0.1:9000/',
])('%s is routine', (line) => expect(isRoutine(line)).toBe(true))

test.each([
  'warn release-refused models/x has no manifest',
  'volunteer 1 ended (exit code 1)',
  'volunteer 3: layerswarm: the engine ort-webgpu cannot be opened',
  'volunteer 3: the server is away; trying again in 2 s',
  'not everything is hosted yet: fashion-vit: nobody hosts layers 3',
])('%s is told', (line) => expect(isRoutine(line)).toBe(false))
