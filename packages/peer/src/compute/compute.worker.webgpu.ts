import { expose } from 'comlink'
import * as ort from 'onnxruntime-web/webgpu'
import { createOrtWebEngine } from '../engine/ort-web-engine.ts'
import { createComputeService } from './compute-service.ts'

expose(
  createComputeService({ 'ort-webgpu': (spec) => createOrtWebEngine(ort, 'ort-webgpu', spec) }),
)
