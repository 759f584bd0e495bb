import { createReferenceEngine } from '@layerswarm/model'
import { serveEngine } from './engine-calls.ts'

serveEngine(self, createReferenceEngine)
