import { parentPort } from 'node:worker_threads'
import { expose } from 'comlink'
import { createNodeEngine, NODE_ENGINE_NAMES } from '../engine/create-engine.node.ts'
import { createComputeService } from './compute-service.ts'
import { nodeEndpoint } from './node-endpoint.ts'

if (parentPort === null) throw new Error('this file is a worker; createCompute starts it')
const factories = NODE_ENGINE_NAMES.map(
  (name) =>
    [name, (spec: Parameters<typeof createNodeEngine>[1]) => createNodeEngine(name, spec)] as const,
)
expose(createComputeService(Object.fromEntries(factories)), nodeEndpoint(parentPort))
