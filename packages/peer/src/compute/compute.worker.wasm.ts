import { createReferenceEngine } from '@layerswarm/model'
import { expose } from 'comlink'
import * as ort from 'onnxruntime-web/wasm'
import { createOrtWebEngine } from '../engine/ort-web-engine.ts'
import { createComputeService } from './compute-service.ts'

expose(
  createComputeService({
    'ort-wasm': (spec) => createOrtWebEngine(ort, 'ort-wasm', spec),
    reference: async (spec) => createReferenceEngine(spec),
  }),
)
