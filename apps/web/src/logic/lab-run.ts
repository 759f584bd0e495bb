import { SIMULATED_PEERS_MAX, SIMULATED_REQUESTS_MAX, SIMULATION_SEED_MAX } from '../limits.ts'

/** One simulation of the lab: what repeats it event by event, wherever it runs. */
export interface LabRun {
  /** A name of the lab's scenarios. */
  readonly scenario: string
  /** Providers. */
  readonly peers: number
  readonly requests: number
  readonly seed: number
}

/** What a link may ask for, for people. */
export const LAB_RUN_FORM = `a scenario with at most ${SIMULATED_PEERS_MAX} peers, ${SIMULATED_REQUESTS_MAX} requests, and a seed, as harsh,20,30,1`

/** A run as `harsh,20,30,1`: scenario, peers, requests, seed. Undefined for anything else, or for more than a tab can do. */
export function parseLabRun(text: string): LabRun | undefined {
  const [, scenario, ...numbers] =
    /^([a-z][a-z0-9-]{0,39}),(\d{1,5}),(\d{1,5}),(\d{1,10})$/.exec(text) ?? []
  const [peers = 0, requests = 0, seed = 0] = numbers.map(Number)
  if (scenario === undefined || peers < 1 || requests < 1) return undefined
  if (peers > SIMULATED_PEERS_MAX || requests > SIMULATED_REQUESTS_MAX) return undefined
  return seed > SIMULATION_SEED_MAX ? undefined : { scenario, peers, requests, seed }
}

/** The page's address that runs it again here, without whatever else an address may ask. */
export function labRunLink(folder: URL, { scenario, peers, requests, seed }: LabRun): string {
  return new URL(`?simulate=${[scenario, peers, requests, seed].join()}`, folder).href
}
