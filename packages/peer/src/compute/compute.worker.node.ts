import { parentPort, workerData } from 'node:worker_threads'
import type { ModelSpec } from '@layerswarm/model'
import { expose } from 'comlink'
import { createNodeEngine, NODE_ENGINE_NAMES } from '../engine/create-engine.node.ts'
import { type ExitDoor, openBehindDoor } from '../engine/exit-door.node.ts'
import { createComputeService } from './compute-service.ts'
import { nodeEndpoint } from './node-endpoint.ts'

if (parentPort === null) throw new Error('this file is a worker; createCompute starts it')
// Whoever starts this worker has typed it.
const door = workerData as ExitDoor | undefined
const factories = NODE_ENGINE_NAMES.map(
  (name) =>
    [name, (spec: ModelSpec) => openBehindDoor(door, () => createNodeEngine(name, spec))] as const,
)
expose(createComputeService(Object.fromEntries(factories)), nodeEndpoint(parentPort))
