import { serveSimulations } from './serve-simulations.ts'

serveSimulations(self)
