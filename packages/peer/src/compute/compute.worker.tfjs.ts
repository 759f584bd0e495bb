import { expose } from 'comlink'
import { createTfjsEngine } from '../engine/tfjs-engine.ts'
import { createComputeService } from './compute-service.ts'

expose(createComputeService({ 'tfjs-webgpu': createTfjsEngine }))
