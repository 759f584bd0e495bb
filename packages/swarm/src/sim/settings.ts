import { SwarmError } from '../errors.ts'

/** One knob of a simulated world: its value when no scenario says otherwise, and what it means. */
interface Field {
  readonly value: number
  /** Largest value that makes sense; every field is at least 0. */
  readonly max: number
  readonly about: string
}

const count = (value: number, about: string, max = 1e6): Field => ({ value, max, about })
const share = (value: number, about: string): Field => ({ value, max: 1, about })
const ms = (value: number, about: string): Field => ({ value, max: 1e10, about })
const number = (value: number, about: string, max = 1e9): Field => ({ value, max, about })

const MINUTE_MS = 60_000

/**
 * Every field that a scenario sets and `--set` changes. A source in brackets is a published
 * measurement, [measured] is our own, [proposal] is our choice and open to argument.
 */
const FIELDS = {
  // The model whose layers travel.
  'model.layers': count(8, 'encoder layers', 64),
  'model.tokens': count(50, 'tokens of an activation', 1024),
  'model.width': count(64, 'width of a token; float16 on the wire', 4096),
  'model.layerMs': ms(0.9, 'one layer on WASM in a tab: D128, 50 tokens [measured]'),
  'model.layerBytes': number(135_312, 'one layer file of models/fashion-vit'),

  // Who is there.
  'peers.count': count(100, 'providers at the start, and on average', 100_000),
  'peers.askersShare': share(
    0.1,
    'people who ask, per provider; they stay until they are answered',
  ),
  'peers.capacity': count(2, 'layers that a provider hosts', 64),
  'peers.slots': count(8, 'layer runs that a provider accepts at once', 255),
  'speed.nodeShare': share(0.2, 'providers in Node instead of a tab [proposal]'),
  'speed.nodeFactor': number(0.19, 'layer time of onnxruntime-node against WASM [measured]'),
  'speed.hiddenShare': share(0.1, 'tabs in the background [proposal]'),
  'speed.hiddenFactor': number(2.7, 'their layer time (WebAI@Home: 22.7 → 8.4 tokens/s)'),
  'speed.sigma': number(0.15, 'log spread of one layer run [proposal]', 2),
  'stragglers.share': share(0, 'providers that are slower at everything'),
  'stragglers.factor': number(10, 'how many times slower'),

  // How they come and go. Weibull; shape 1 is exponential, scale 0 means forever.
  'churn.shape': number(1, 'shape of session lengths', 10),
  'churn.scaleMs': ms(0, 'scale of session lengths; 0: nobody leaves'),
  'churn.arrivalShape': number(
    0.62,
    'shape of inter-arrivals (Stutzbach & Rejaie 2006, FlatOut)',
    10,
  ),
  'churn.replace': share(1, 'newcomers per departure'),
  'churn.goodbyeShare': share(0.6, 'departures that say goodbye (pagehide) [proposal]'),
  'churn.freezeShare': share(0.1, 'departures by freezing: the sockets stay open [proposal]'),
  'freeze.perMinute': number(0, 'times per minute that a tab freezes and comes back'),
  'freeze.ms': ms(20_000, 'how long it stays frozen'),
  'device.lossPerMinute': number(0, 'GPU losses per peer and minute'),
  'device.lossMs': ms(3_000, 'until a lost GPU is replaced [measured: new worker]'),
  'massLeave.atMs': ms(0, 'when a share of all providers leaves within a second; 0: never'),
  'massLeave.share': share(0.5, 'that share'),
  'flashCrowd.atMs': ms(0, 'when a crowd arrives; 0: never'),
  'flashCrowd.factor': number(10, 'its size in initial swarms, and of the request rate', 1_000),
  'flashCrowd.ms': ms(10_000, 'within which it arrives'),

  // Links. Medians and spreads of log-normals.
  'links.rttMedianMs': ms(130, 'round trip between homes (stand-in for the King matrix)'),
  'links.rttSigma': number(0.65, 'its log spread: p90 300 ms', 3),
  'links.jitterMs': ms(10, 'added to each delivery, uniform [proposal]'),
  'links.upMbps': number(20, 'median uplink of a home (Ookla 2020 mean 45.7; p10 5)'),
  'links.downMbps': number(60, 'median downlink of a home (Ookla 2020 mean 85.7)'),
  'links.mobileShare': share(0.3, 'peers on mobile access [proposal]'),
  'links.mobileUpMbps': number(8, 'median mobile uplink (Ookla 2020 mean 11.2; p10 2)'),
  'links.mobileDownMbps': number(25, 'median mobile downlink (Ookla 2020 mean 36.0)'),
  'links.speedSigma': number(1.08, 'log spread of access speeds: p10 is a quarter', 3),
  'links.loss': share(0.01, 'gossip deliveries that fail (FCC MBA: packet loss of 0.4 to 1 %)'),
  'links.duplicate': share(0, 'messages that a member hears twice'),
  'links.reorder': share(0, 'deliveries held back'),
  'links.reorderMs': ms(300, 'by at most this'),
  'links.natShare': share(0.22, 'pairs without a direct path (callstats: 78 to 85 % have one)'),
  'links.dialMs': ms(
    400,
    'from joining to connected (WebRTC dial 150 to 250 ms [measured], two at a time)',
  ),
  'links.lossNoticeMs': ms(
    2_800,
    'until a killed peer is noticed: circuit closes, ping fails [measured]',
  ),
  'partition.atMs': ms(0, 'when the network splits in two; 0: never'),
  'partition.ms': ms(30_000, 'until it heals'),
  'partition.share': share(0.5, 'peers on the other side'),

  // Gossip, as packages/peer configures it.
  'gossip.connections': count(24, 'direct connections of a peer', 1_000),
  'gossip.flood': count(1, '1: authors send to all connections; 0: to the mesh only', 1),
  'gossip.mesh': count(2, 'mesh degree D', 24),
  'gossip.heartbeatMs': ms(1_000, 'lost copies are asked for again within this'),
  'gossip.queueMs': ms(
    2_000,
    'longest wait of a copy for its uplink, then it is dropped [proposal]',
  ),
  'gossip.overheadBytes': count(230, 'signature, author, topic, framing of one message', 10_000),
  'gossip.messageMs': ms(0.3, 'to check and handle one message in a tab [proposal]'),
  'gossip.quotaPerSecond': number(400, 'messages of one author that others accept'),
  'lanes.peers': count(24, 'providers in a lane before the next is opened; 0: one lane', 100_000),

  // What is asked.
  'requests.count': count(1_000, 'requests in all', 1e6),
  'requests.perMinute': number(600, 'Poisson arrivals'),
  'requests.deadlineMs': ms(30_000, 'after which an answer is worth nothing'),
  'requests.minLayers': count(1, 'fewer layers are a failure', 64),
  'requests.warmupMs': ms(20_000, 'before the first request'),

  // Faults at every step of the protocol, per occasion.
  'crash.onClaim': share(0, 'a provider dies right after claiming'),
  'crash.onRun': share(0, 'a provider dies while it computes'),
  'crash.onStep': share(0, 'a provider dies right after publishing its step'),
  'crash.onPull': share(0, 'a holder dies when its tensor is asked for'),
  'layers.corruptShare': share(0, 'layer downloads that fail their hash check'),

  // Bad actors, as shares of the providers.
  'liars.share': share(0, 'free-riders, random, scaled, stale, other-layer and one-in-ten liars'),
  'sybils.share': share(0, 'identities that claim and never deliver'),
  'sybils.lifeMs': ms(MINUTE_MS, 'after which a sybil takes a new name; 0: never'),
  'flooders.count': count(0, 'peers that send fake requests', 1_000),
  'flooders.perSecond': number(10_000, 'messages of each'),

  // The policy under test.
  'policy.inlineBytes': number(1_024, 'tensors up to this ride in the message', 32_768),
  'policy.handOver': count(1, '1: results are sent ahead to who will want them', 1),
  'policy.staggerMs': ms(40, 'wait between two ranks of claimers'),
} as const satisfies Record<string, Field>

export type SettingName = keyof typeof FIELDS
/** A whole world as flat data. */
export type Settings = Readonly<Record<SettingName, number>>

export const SETTINGS_DEFAULT: Settings = Object.freeze(
  Object.fromEntries(Object.entries(FIELDS).map(([name, { value }]) => [name, value])),
) as Settings

export const SETTING_NAMES = Object.keys(FIELDS) as readonly SettingName[]

/** What a field means, with its source. */
export function aboutSetting(name: SettingName): string {
  return FIELDS[name].about
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
    if (!Object.hasOwn(FIELDS, name)) {
      refuse(name, `there is no setting "${name}"; the settings are ${SETTING_NAMES.join(', ')}`)
    }
    const { max } = FIELDS[name as SettingName]
    const value = typeof text === 'number' ? text : Number(text)
    if (text === '' || !(value >= 0 && value <= max)) {
      refuse(name, `${name} must be a number from 0 to ${max}, not "${text}"`)
    }
    changed[name] = value
  }
  return changed as Settings
}
