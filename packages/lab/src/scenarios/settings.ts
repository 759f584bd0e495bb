import { activationBytes } from '@layerswarm/model'
import {
  AUDITS_BY_DEFAULT,
  BAN_MS,
  CLAIM_STAGGER_MS,
  CLASSIFY_POLICY_DEFAULT,
  CONNECTIONS_MAX,
  GOSSIP_DEGREE,
  GOSSIP_FLOOD_PUBLISH,
  GOSSIP_HEARTBEAT_MS,
  INLINE_BYTES_MAX,
  LANE_MESSAGES_BURST,
  LANE_MESSAGES_PER_SECOND,
  LANE_PROVIDERS,
  type ModelShape,
  PRESENCE_MESSAGES_BURST,
  PRESENCE_MESSAGES_PER_SECOND,
  PUSH_BYTES_PER_MS,
  PUSH_PATIENCE_MS,
  ROUNDS_LOSS_POINTS,
  SLOTS_DEFAULT,
  SwarmError,
  TENSOR_TIMEOUT_MS,
} from '@layerswarm/swarm'
import { MINUTE_MS } from '../limits.ts'

/** Constants of packages/swarm that settings mirror, by their names there. */
const PRODUCTION_CONSTANTS = {
  AUDITS_BY_DEFAULT,
  PUSH_PATIENCE_MS,
  PUSH_BYTES_PER_MS,
  BAN_MS,
  CLAIM_STAGGER_MS,
  CONNECTIONS_MAX,
  GOSSIP_DEGREE,
  GOSSIP_FLOOD_PUBLISH,
  GOSSIP_HEARTBEAT_MS,
  INLINE_BYTES_MAX,
  LANE_MESSAGES_BURST,
  LANE_MESSAGES_PER_SECOND,
  LANE_PROVIDERS,
  PRESENCE_MESSAGES_BURST,
  PRESENCE_MESSAGES_PER_SECOND,
  SLOTS_DEFAULT,
  TENSOR_TIMEOUT_MS,
}
/** The name of a constant of packages/swarm. */
export type ProductionConstant = keyof typeof PRODUCTION_CONSTANTS

/** One knob of a simulated world: its value when no scenario says otherwise, and what it means. */
interface Field {
  readonly value: number
  /** Smallest and largest value that make sense. */
  readonly min: number
  readonly max: number
  readonly isWhole: boolean
  readonly about: string
}

/** A knob of the protocol: its default is what ships, and a run that turns it says so. */
interface Mirror extends Field {
  /** The constant that production has for it. */
  readonly is: ProductionConstant
}

const { minLayers } = CLASSIFY_POLICY_DEFAULT
const field = (value: number, min: number, max: number, about: string): Field => ({
  value,
  min,
  max,
  isWhole: false,
  about,
})
const share = (value: number, about: string): Field => field(value, 0, 1, about)
const ms = (value: number, about: string, min = 0): Field => field(value, min, 1e10, about)
const number = (value: number, about: string, max = 1e9): Field => field(value, 0, max, about)
/** What is divided by, or taken the logarithm of. */
const positive = (value: number, about: string, max = 1e9): Field => field(value, 0.001, max, about)
const whole = (one: Field): Field => ({ ...one, isWhole: true })
const count = (value: number, about: string, max = 1e6, min = 0): Field =>
  whole(field(value, min, max, about))

/** A setting whose default is production's constant of that name; `true` is 1. */
const mirror = (is: ProductionConstant, max: number, about: string, min = 0): Mirror => ({
  ...field(Number(PRODUCTION_CONSTANTS[is]), min, max, about),
  is,
})
const mirrorCount = (is: ProductionConstant, max: number, about: string, min = 0): Mirror => ({
  ...mirror(is, max, about, min),
  isWhole: true,
})
/**
 * The protocol as it ships; the first line of a report says what a scenario or `--set` changes here.
 */
const PROTOCOL = {
  'peers.slots': mirrorCount('SLOTS_DEFAULT', 255, 'layer runs that a provider accepts at once', 1),
  'gossip.connections': mirrorCount('CONNECTIONS_MAX', 1_000, 'direct connections of a peer'),
  'gossip.flood': mirrorCount(
    'GOSSIP_FLOOD_PUBLISH',
    1,
    '1: authors send to all connections; 0: to the mesh only',
  ),
  'gossip.mesh': mirrorCount('GOSSIP_DEGREE', 24, 'mesh degree D'),
  'gossip.heartbeatMs': mirror(
    'GOSSIP_HEARTBEAT_MS',
    1e10,
    'lost copies are asked for again within this',
  ),
  'gossip.quotaPerSecond': mirror(
    'LANE_MESSAGES_PER_SECOND',
    1e9,
    'messages of one author that others accept',
  ),
  'gossip.quotaBurst': mirror('LANE_MESSAGES_BURST', 1e9, 'of these, at once', 1),
  'gossip.presencePerSecond': mirror(
    'PRESENCE_MESSAGES_PER_SECOND',
    1e9,
    'presence of one author that others accept',
  ),
  'gossip.presenceBurst': mirror('PRESENCE_MESSAGES_BURST', 1e9, 'of it, at once', 1),
  'gossip.banMs': mirror('BAN_MS', 1e10, 'how long a banned peer is not heard'),
  'lanes.peers': mirrorCount(
    'LANE_PROVIDERS',
    100_000,
    'providers in a lane before the next is opened; 0: one lane of any size',
  ),
  'streams.pullTimeoutMs': mirror(
    'TENSOR_TIMEOUT_MS',
    1e10,
    'after which a pull of a tensor is given up',
  ),
  'streams.pushPatienceMs': mirror(
    'PUSH_PATIENCE_MS',
    1e10,
    'how long a tensor that was to be pushed is waited for, beside its bytes',
  ),
  'streams.pushBytesPerMs': mirror(
    'PUSH_BYTES_PER_MS',
    1e9,
    'the slowest rate at which it is waited for',
    1,
  ),
  'policy.inlineBytes': mirror(
    'INLINE_BYTES_MAX',
    INLINE_BYTES_MAX,
    'tensors up to this ride in the message',
  ),
  'policy.audits': mirrorCount('AUDITS_BY_DEFAULT', 1, '0: what others ran is believed'),
  'policy.staggerMs': mirror('CLAIM_STAGGER_MS', 1e10, 'wait between two ranks of claimers'),
} as const satisfies Record<string, Mirror>

/**
 * The world around it. A source in parentheses is a published measurement, [measured] is our own,
 * [proposal] is our choice and open to argument. What is 0 is absent until a scenario brings it.
 */
const WORLD = {
  // The model whose layers travel.
  'model.layers': count(8, 'encoder layers', 64, 1),
  'model.tokens': count(50, 'tokens of an activation', 1024, 1),
  'model.width': count(64, 'width of a token; float16 on the wire', 4096, 1),
  'model.layerMs': ms(0.9, 'one layer on WASM in a tab: D128, 50 tokens [measured]'),
  'model.keepsOrder': count(0, '1: its layers run in their own order only', 1),
  'model.layerBytes': number(135_312, 'one layer file of models/fashion-vit'),

  // Who is there.
  'peers.count': count(100, 'providers at the start, and on average [proposal]', 100_000, 1),
  'peers.standing': count(0, '1: those at the start have lanes; 0: all come, and spread', 1),
  'peers.askersShare': share(
    0.1,
    'people who ask, per provider; they stay until they are answered [proposal]',
  ),
  'peers.capacity': count(2, 'layers that a provider hosts [proposal]', 64, 1),
  'speed.nodeShare': share(0.2, 'providers in Node instead of a tab [proposal]'),
  'speed.nodeFactor': positive(0.19, 'layer time of onnxruntime-node against WASM [measured]'),
  'speed.hiddenShare': share(0.1, 'tabs in the background [proposal]'),
  'speed.hiddenFactor': positive(2.7, 'their layer time (WebAI@Home: 22.7 → 8.4 tokens/s)'),
  'speed.sigma': number(0.15, 'log spread of one layer run [proposal]', 2),
  'stragglers.share': share(
    0,
    'providers that are slower (Dean and Barroso 2013 on why there always are some)',
  ),
  'stragglers.factor': positive(
    10,
    'how many times slower, in a layer and in handling a message [proposal]',
  ),

  // How they come and go. Weibull; shape 1 is exponential, scale 0 means forever.
  'churn.shape': positive(1, 'shape of session lengths', 10),
  'churn.scaleMs': ms(0, 'scale of session lengths; 0: nobody leaves'),
  'churn.arrivalShape': positive(
    0.62,
    'shape of inter-arrivals (Stutzbach & Rejaie 2006, FlatOut)',
    10,
  ),
  'churn.replace': share(1, 'newcomers per departure [proposal: the swarm keeps its size]'),
  'churn.goodbyeShare': share(0.6, 'departures that say goodbye (pagehide) [proposal]'),
  'churn.freezeShare': share(0.1, 'departures by freezing: the sockets stay open [proposal]'),
  'freeze.perMinute': number(0, 'times per minute that a tab freezes and comes back'),
  'freeze.ms': ms(20_000, 'how long it stays frozen [proposal]'),
  'device.lossPerMinute': number(0, 'GPU losses per peer and minute'),
  'device.lossMs': ms(3_000, 'until a lost GPU is replaced [measured: new worker]'),
  'massLeave.atMs': ms(0, 'when a share of all providers leaves within a second; 0: never'),
  'massLeave.share': share(0.5, 'that share [proposal]'),
  'flashCrowd.atMs': ms(0, 'when a crowd arrives; 0: never'),
  'flashCrowd.factor': positive(
    10,
    'its size in initial swarms, and of the request rate [proposal]',
    1_000,
  ),
  'flashCrowd.ms': ms(10_000, 'within which it arrives [proposal]'),

  // Links. Medians and spreads of log-normals.
  'links.rttMedianMs': ms(130, 'round trip between homes (stand-in for the King matrix)'),
  'links.rttSigma': number(0.65, 'its log spread: p90 300 ms', 3),
  'links.jitterMs': ms(10, 'added to each delivery, uniform [proposal]'),
  'links.upMbps': positive(20, 'median uplink of a home (Ookla 2020 mean 45.7; p10 5)'),
  'links.downMbps': positive(60, 'median downlink of a home (Ookla 2020 mean 85.7)'),
  'links.mobileShare': share(0.3, 'peers on mobile access [proposal]'),
  'links.mobileUpMbps': positive(8, 'median mobile uplink (Ookla 2020 mean 11.2; p10 2)'),
  'links.mobileDownMbps': positive(25, 'median mobile downlink (Ookla 2020 mean 36.0)'),
  'links.speedSigma': number(1.08, 'log spread of access speeds: p10 is a quarter', 3),
  'links.loss': share(0.01, 'gossip deliveries that fail (FCC MBA: packet loss of 0.4 to 1 %)'),
  'links.duplicate': share(0, 'messages that a member hears twice'),
  'links.reorder': share(0, 'deliveries held back'),
  'links.reorderMs': ms(300, 'by at most this [proposal]'),
  'links.natShare': share(0.22, 'pairs without a direct path (callstats: 78 to 85 % have one)'),
  'links.dialMs': ms(
    400,
    'from joining to connected (WebRTC dial 150 to 250 ms [measured], two at a time)',
  ),
  'links.lossNoticeMs': ms(
    2_800,
    'until a killed peer is noticed: circuit closes, ping fails [measured]',
  ),
  'links.rttUnknownMs': ms(
    2_000,
    'until a round trip is measured [proposal: a ping on connecting and one after it]',
  ),
  'links.rttError': number(
    0.3,
    'log spread of measured round trips around the true ones [proposal]',
    2,
  ),
  'links.tellOverheadBytes': count(
    80,
    'of one message on a direct stream: length, frame of the stream, encryption, TCP',
    10_000,
  ),
  'partition.atMs': ms(0, 'when the network splits in two; 0: never'),
  'partition.ms': ms(30_000, 'until it heals [proposal]'),
  'partition.share': share(0.5, 'peers on the other side [proposal]'),

  // What gossip costs.
  'gossip.queueMs': ms(
    2_000,
    'longest wait of a copy for its uplink, then it is dropped [proposal]',
  ),
  'gossip.overheadBytes': count(
    250,
    'of one message: author 38, key 36, number 8, topic 55, signature 64, framing about 49 [measured]',
    10_000,
  ),
  'gossip.messageMs': ms(0.3, 'to check and handle one message in a tab [proposal]'),

  // What is asked.
  'requests.count': count(1_000, 'requests in all [proposal]', 1e6, 1),
  'requests.perMinute': positive(600, 'Poisson arrivals [proposal]'),
  'requests.deadlineMs': ms(
    CLASSIFY_POLICY_DEFAULT.deadlineMs,
    'after which an answer is worth nothing [proposal]',
    1,
  ),
  'requests.minLayers': count(minLayers, 'fewer layers are a failure', 64, 1),
  'requests.maxLoss': field(ROUNDS_LOSS_POINTS, 0, 100, 'points that rounds may cost, for auto'),
  'requests.warmupMs': ms(20_000, 'before the first request [proposal]'),

  // The chains beside us.
  'chain.blocks': count(
    0,
    '1: servers of a chain host aligned blocks of neighbouring layers, as real ones do; 0: the rarest layers',
    1,
  ),

  // Faults at every step of the protocol, per occasion.
  'crash.onClaim': share(0, 'a provider dies right after claiming'),
  'crash.onRun': share(0, 'a provider dies while it computes'),
  'crash.onStep': share(0, 'a provider dies right after publishing its step'),
  'crash.onPull': share(0, 'a holder dies when its tensor is asked for'),
  'crash.onlyCopyEvery': count(0, 'one request in so many loses its only copy; 0: none'),
  'layers.corruptShare': share(0, 'layer downloads that fail their hash check'),

  // Bad actors, as shares of the providers.
  'liars.share': share(0, 'free-riders, random, scaled, stale, other-layer and one-in-ten liars'),
  'accusers.share': share(0, 'providers that lie only when they run again what others ran'),
  'withholders.share': share(0, 'providers that run layers and hand no result to anybody'),
  'sybils.share': share(0, 'identities that claim and never deliver'),
  'sybils.lifeMs': ms(MINUTE_MS, 'after which a sybil takes a new name; 0: never [proposal]'),
  'sybils.hollow': count(0, '1: they announce half of all layers, and to be busy', 1),
  'flooders.count': count(0, 'peers that send fake requests', 1_000),
  'flooders.perSecond': number(10_000, 'messages of each [proposal]'),
  'attack.kind': count(
    0,
    'what one peer is up to until half of the requests are made: 1 crowd, 2 last hop, 3 era jump, 4 valid flood, 5 replay, 6 false relay, 7 false loss, 8 hog, 9 fake presence',
    9,
  ),
} as const satisfies Record<string, Field> & {
  readonly [Protocol in `policy.${string}` | `lanes.${string}` | `streams.${string}`]?: never
}

/** Every field that a scenario sets and `--set` changes. */
const FIELDS = { ...WORLD, ...PROTOCOL }

/** The name of a setting, as `--set` takes it. */
export type SettingName = keyof typeof FIELDS
/** A whole world as flat data. */
export type Settings = Readonly<Record<SettingName, number>>

/** The world when no scenario says otherwise, with production's protocol in it. */
export const SETTINGS_DEFAULT: Settings = Object.freeze(
  Object.fromEntries(Object.entries(FIELDS).map(([name, { value }]) => [name, value])),
) as Settings

/** All of them: the world's first, then the protocol's. */
export const SETTING_NAMES = Object.keys(FIELDS) as readonly SettingName[]

/** What a setting means, with its source; for one of the protocol, in brackets, production's constant. */
export function aboutSetting(name: SettingName): string {
  const { about }: Field = FIELDS[name]
  const mirrored = PROTOCOL_SETTINGS.find((one) => one.name === name)
  return mirrored === undefined ? about : `${about} [${mirrored.is}]`
}

/** The settings of the protocol, each with the constant that production has for it. */
export const PROTOCOL_SETTINGS: readonly {
  readonly name: SettingName
  readonly is: ProductionConstant
}[] = Object.entries(PROTOCOL).map(([name, { is }]) => ({ name: name as SettingName, is }))

/** Settings of the protocol that differ from what ships, by name. */
export function protocolChanges(settings: Settings): readonly SettingName[] {
  return PROTOCOL_SETTINGS.map(({ name }) => name).filter(
    (name) => settings[name] !== SETTINGS_DEFAULT[name],
  )
}

/** Which protocol a world runs, as the first line of its report: production's, or what is different by name and value. */
export function protocolOf(settings: Settings): string {
  const changes = protocolChanges(settings).map(
    (name) => `${name} = ${settings[name]} (${SETTINGS_DEFAULT[name]})`,
  )
  if (changes.length === 0) return PRODUCTION
  return `not ${PRODUCTION}: ${changes.join(', ')}; in parentheses what ships`
}

/** What a report says of a run in which nothing of the protocol was changed. */
export const PRODUCTION = "production's protocol"

/** What members must know of the simulated model. */
export function shapeOf(settings: Settings): ModelShape {
  return {
    layers: settings['model.layers'],
    tokens: settings['model.tokens'],
    width: settings['model.width'],
    keepsOrder: settings['model.keepsOrder'] === 1,
  }
}

/** Bytes of one activation, float16 on the wire. */
export function activationSize(settings: Settings): number {
  return activationBytes('float16', [1, settings['model.tokens'], settings['model.width']])
}

function refuse(field: string, message: string): never {
  throw new SwarmError({ code: 'bad-request', field }, message)
}

/**
 * Takes `--set a.b=c` pairs over settings.
 * @throws SwarmError `bad-request` for a name that is no field (with the list) or a value out of range.
 */
export function changeSettings(
  settings: Settings,
  changes: Readonly<Record<string, string | number>>,
): Settings {
  const changed: Record<string, number> = { ...settings }
  for (const [name, text] of Object.entries(changes)) {
    if (!Object.hasOwn(FIELDS, name))
      refuse(name, `there is no setting "${name}"; the settings are ${SETTING_NAMES.join(', ')}`)
    const { min, max, isWhole } = FIELDS[name as SettingName]
    const value = typeof text === 'number' ? text : Number(text)
    if (text === '' || !(value >= min && value <= max) || (isWhole && !Number.isInteger(value))) {
      const kind = isWhole ? 'a whole number' : 'a number'
      refuse(name, `${name} must be ${kind} from ${min} to ${max}, not "${text}"`)
    }
    changed[name] = value
  }
  return changed as Settings
}
