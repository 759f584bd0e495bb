import { parentPort, workerData } from 'node:worker_threads'
import { expose } from 'comlink'
import { createNodeEngine, NODE_ENGINE_NAMES } from '../engine/create-engine.node.ts'
import { createComputeService } from './compute-service.ts'
import { behindDoor, doorIn } from './native-exit.node.ts'
import { nodeEndpoint } from './node-endpoint.ts'

if (parentPort === null) throw new Error('this file is a worker; createCompute starts it')
const factories = NODE_ENGINE_NAMES.map(
  (name) =>
    [name, (spec: Parameters<typeof createNodeEngine>[1]) => createNodeEngine(name, spec)] as const,
)
const service = createComputeService(Object.fromEntries(factories))
const door = doorIn(workerData)
expose(door === undefined ? service : behindDoor(service, door), nodeEndpoint(parentPort))
