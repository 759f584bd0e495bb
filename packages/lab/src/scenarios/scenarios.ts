import { SwarmError } from '@layerswarm/swarm'
import { MINUTE_MS } from '../limits.ts'
import { changeSettings, SETTINGS_DEFAULT, type Settings } from './settings.ts'

/** A named world: what differs from the default, and why. */
export interface Scenario {
  readonly about: string
  readonly set: Partial<Settings>
}

/** Weibull sessions of the second KAD crawl (Steiner, En-Najjary, Biersack): median 93 minutes. */
const KAD = { 'churn.shape': 0.61511, 'churn.scaleMs': 169.5385 * MINUTE_MS }
/** Dwell times of web pages (after Liu, White, Dumais, SIGIR 2010): median 38 seconds. */
const DRIVE_BY = { 'churn.shape': 0.6, 'churn.scaleMs': 70_000 }
/** FlatOut downloads (Stutzbach & Rejaie, IMC 2006): mean 65 minutes, median 23. */
const FLATOUT = { 'churn.shape': 0.59, 'churn.scaleMs': 41.9 * MINUTE_MS }
/** Median session of 1.4 minutes (Rhea et al., USENIX 2004): 39 % of all peers leave per minute. */
const BAMBOO = { 'churn.shape': 1, 'churn.scaleMs': (1.4 / Math.LN2) * MINUTE_MS }

/** Machines of one network that stay: everybody reaches everybody. */
const LAN = {
  'links.rttMedianMs': 2,
  'links.rttSigma': 0.25,
  'links.jitterMs': 0.2,
  'links.upMbps': 1_000,
  'links.downMbps': 1_000,
  'links.mobileShare': 0,
  'links.speedSigma': 0,
  'links.loss': 0,
  'links.natShare': 0,
  'speed.nodeShare': 0,
  'speed.hiddenShare': 0,
}
/** ViT-B in float16: 302,592 bytes per hop. */
const VITB = {
  'model.layers': 12,
  'model.tokens': 197,
  'model.width': 768,
  'model.layerMs': 94,
  'model.layerBytes': 14_175_744,
}

/** One lane in which one peer attacks during the first half of the requests, and is gone during the second. */
const ATTACKED = {
  ...KAD,
  'peers.count': 20,
  'requests.count': 40,
  'requests.perMinute': 60,
}

/** Every world that has a name. */
export const SCENARIOS = {
  calm: { about: 'long sessions, nothing else goes wrong', set: KAD },
  tabs: {
    about: 'tabs of passers-by: half of them leave within 38 seconds',
    set: DRIVE_BY,
  },
  volunteers: { about: 'sessions of an hour on average', set: FLATOUT },
  harsh: {
    about: '39 % of all peers leave per minute, four in ten without a word',
    set: { ...BAMBOO, 'requests.perMinute': 1_200 },
  },
  'flash-crowd': {
    about: 'ten times as many peers and requests within ten seconds',
    set: { ...DRIVE_BY, 'flashCrowd.atMs': 40_000 },
  },
  'mass-leave': {
    about: 'half of all peers leave within one second',
    set: { ...KAD, 'massLeave.atMs': 50_000, 'churn.replace': 0 },
  },
  partition: {
    about: 'the network splits in halves for 30 seconds and heals',
    set: { ...KAD, 'partition.atMs': 50_000 },
  },
  stragglers20: {
    about: 'a fifth of all peers is ten times slower',
    set: { ...KAD, 'stragglers.share': 0.2 },
  },
  liars10: { about: 'a tenth of all peers lies', set: { ...KAD, 'liars.share': 0.1 } },
  liars25: { about: 'a quarter of all peers lies', set: { ...KAD, 'liars.share': 0.25 } },
  accusers25: {
    about: 'a quarter of all peers lies, but only when it runs again what others ran',
    set: { ...KAD, 'accusers.share': 0.25 },
  },
  withholders25: {
    about: 'a quarter of all peers runs layers and hands no result to anybody',
    set: { ...KAD, 'withholders.share': 0.25 },
  },
  sybils50: {
    about: 'half of all identities claim work and never deliver',
    set: { ...KAD, 'sybils.share': 0.5 },
  },
  'hollow-hosts': {
    about: 'half of all identities announce half of the layers and no room for work',
    set: { ...KAD, 'sybils.share': 0.5, 'sybils.lifeMs': 0, 'sybils.hollow': 1 },
  },
  flood: {
    about: 'five peers send ten thousand messages a second each',
    set: { ...KAD, 'flooders.count': 5 },
  },
  'attack-crowd': {
    about: 'one peer signs 544 first steps with 17 throw-away keys, for tensors that nobody has',
    set: { ...ATTACKED, 'attack.kind': 1 },
  },
  'attack-last-hop': {
    about: 'one peer calls itself the last hop of every request, in the last era',
    set: { ...ATTACKED, 'attack.kind': 2 },
  },
  'attack-era-jump': {
    about: 'one peer says of every request that it is in the last era but one and out of time',
    set: { ...ATTACKED, 'attack.kind': 3 },
  },
  'attack-valid-flood': {
    about: 'one peer sends 1,500 valid claims and 66 first steps a second',
    set: { ...ATTACKED, 'attack.kind': 4 },
  },
  'attack-replay': {
    about: 'one peer says old first steps again, 30 s after their requesters and later',
    set: { ...ATTACKED, 'attack.kind': 5, 'requests.perMinute': 20 },
  },
  'attack-false-relay': {
    about: 'one peer says of every step that somebody else has run it and that it has the result',
    set: { ...ATTACKED, 'attack.kind': 6 },
  },
  'attack-false-lost': {
    about: 'one peer hosts every layer and calls every tensor lost that it is sent',
    set: { ...ATTACKED, 'attack.kind': 7 },
  },
  'attack-hog': {
    about: 'one peer asks in the name of everybody who asks',
    set: { ...ATTACKED, 'attack.kind': 8 },
  },
  'attack-fake-presence': {
    about: 'one peer announces 1,100 hosts that do not exist, again and again',
    set: { ...ATTACKED, 'attack.kind': 9 },
  },
  'only-copy': {
    about: 'calm, but for one request in ten whose newest tensor is lost with its only holder',
    set: { ...KAD, 'crash.onlyCopyEvery': 10, 'requests.perMinute': 120 },
  },
  idle: {
    about: 'two requests a minute: what peers send for being there',
    set: { ...KAD, 'requests.perMinute': 2, 'requests.count': 6 },
  },
  lanes: {
    about: 'growing swarms in lanes of 24, from 100 peers to 10,000: what one peer must carry',
    set: {
      ...FLATOUT,
      'peers.count': 10_000,
      'requests.perMinute': 1_000,
      'peers.standing': 1,
    },
  },
  'vitb-home': {
    about: 'ViT-B over home uplinks: 302,592 bytes per hop',
    set: {
      ...FLATOUT,
      ...VITB,
      'peers.capacity': 3,
      'links.mobileShare': 0,
      'requests.perMinute': 60,
      'requests.count': 200,
    },
  },
  lan: {
    about:
      'machines of one network, 1 to 3 ms and 1 Gbit/s apart, each with two layers of the small model',
    set: { ...LAN, 'peers.count': 24 },
  },
  'vitb-lan': {
    about: 'ViT-B on machines of one network that host all of it, alike and as fast as a tab',
    set: {
      ...LAN,
      ...VITB,
      'peers.count': 4,
      'peers.capacity': 12,
      'requests.perMinute': 20,
      'requests.count': 100,
    },
  },
} as const satisfies Record<string, Scenario>

/** The name of a world. */
export type ScenarioName = keyof typeof SCENARIOS
/** In the order in which help lists them. */
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as readonly ScenarioName[]

/** @throws SwarmError `bad-request` with the list of scenarios for any other name. */
export function scenarioNamed(name: string): Scenario {
  const known: Readonly<Record<string, Scenario>> = SCENARIOS
  const scenario = Object.hasOwn(known, name) ? known[name] : undefined
  if (scenario === undefined) {
    throw new SwarmError(
      { code: 'bad-request', field: 'scenario' },
      `there is no scenario "${name}"; the scenarios are ${SCENARIO_NAMES.join(', ')}`,
    )
  }
  return scenario
}

/** The settings of a scenario with the given changes. @throws SwarmError like `scenarioNamed` and `changeSettings`. */
export function scenarioSettings(
  name: string,
  changes: Readonly<Record<string, string | number>> = {},
): Settings {
  const { set } = scenarioNamed(name)
  return changeSettings(changeSettings(SETTINGS_DEFAULT, set), changes)
}
