import { createReferenceEngine } from '@layerswarm/model'
import { serveEngine } from './serve-engine.ts'

serveEngine(self, createReferenceEngine)
