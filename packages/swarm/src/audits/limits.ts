import type { EngineName } from '@layerswarm/model'

/** How much of what others compute is computed again, and what becomes of those who are outvoted. */

/** How likely the next audit of one peer is. */
export interface Chances {
  /** Layers of it that are found right before the chance falls. */
  readonly unproven: number
  /** And it never falls below this: whoever lies now and then after a long time is found out too. */
  readonly least: number
  /** Audits that came to nothing for want of hosts halve it, at most so many times. */
  readonly voids: number
}

/** Where this member has met no liar: as many peers as can be are looked at once. */
export const CHANCES_PEACE: Chances = { unproven: 1, least: 0.05, voids: 5 }
/** And where it has: one that lies once in ten runs passes the first ones. */
export const CHANCES: Chances = { unproven: 12, least: 0.15, voids: 2 }
/** So many others have found somebody right before that proves anything, where a liar has been met: two may lie alike. */
export const VOUCHERS_MIN = 3
/** Whoever has had fewer layers found right than this is a stranger. */
export const STRANGER_BELOW_LAYERS = 1
/**
 * An answer waits for the audit of a stranger no longer than this from when its step was heard, and only at a member
 * that has met a liar or heeds a hint: most swarms have none, where waiting for all strangers made the slowest answers
 * of a crowd a quarter slower.
 */
export const HOLD_MS = 2_500
/** An audit that has found two results that differ is waited for so long instead: a third has to decide. */
export const DISPUTE_HOLD_MS = 4_000
/** One recomputation is given so long, and its bytes each hop at PUSH_BYTES_PER_MS beside: a layer of ViT-B takes 100 ms. */
export const RECOUNT_MS = 2_500
/** Engines that give the same bytes wherever they run: WebAssembly's arithmetic is laid down to the bit. */
export const EXACT_ENGINES: ReadonlySet<EngineName> = new Set(['ort-wasm', 'reference'])
/** Results that agree and are believed. */
export const AGREEING_MIN = 2
/** And where others differ: several may lie alike. */
export const AGREEING_DISPUTED_MIN = 3
/** Layers that a member keeps for disputes that its own engine settles: those of the longest visit of models/fashion-vit. */
export const OWN_LAYERS_MAX = 8
/** Of models with larger tensors than this nothing is loaded for a dispute: a layer of ViT-B, with tensors of 302,592 bytes, is 27 MB. */
export const OWN_TENSOR_BYTES_MAX = 65_536
/** Recomputations of one visit: enough for three that agree where two of five lie alike. */
export const RECOUNTS_MAX = 5
/** Recomputations that come to nothing before nobody is asked any more: hosts are missing, or nobody takes them on. */
export const FAILURES_MAX = 2
/** Audits under way at once: each holds two tensors, 8 MiB at most together with TENSORS. */
export const AUDITS_MAX = 32
/** The first quarantine; each one after it takes twice as long. */
export const QUARANTINE_MS = 300_000
/** And none takes longer. */
export const QUARANTINE_MS_MAX = 24 * 3_600_000
/** So many audits in a row for which there is nobody else: an asker that has barred all others but a liar finds more in another lane. */
export const ALONE_MIN = 3
/** So many suspicions of one peer, with nothing of it found right in between, are no accident: its company changes. */
export const SUSPICIONS_MAX = 3
/** Peers of whom it is known what was found. */
export const FINDINGS_MAX = 2_048
/** Whoever has had so many layers found right by themselves is not the one that is suspected, of several. */
export const TRUSTED_LAYERS = 8
/** The part of the uplink that audits may take: a slow one that sends inputs again answers nobody any more. */
export const UPLINK_SHARE = 0.1
/** So much of that part may be taken at once, milliseconds of it: where one tensor is more than that, first visits are not audited. */
export const UPLINK_BURST_MS = 4_000
/** A dispute that is to be settled may take so many times that. */
export const DISPUTE_BURST_FACTOR = 4
/** Layers that are run again, per layer that is run for this member, once those of the burst are spent. */
export const WORK_SHARE = 0.06
/** So many more at first, and kept of what was not spent: a first look at all the 24 of a lane. */
export const BURST_LAYERS = 24
/** While a request of this member's has waited for so long its lane, or its own uplink, has no room to spare, and no audit begins: most are answered in half of it. */
export const BUSY_MS = 1_500
/** Visits of somebody that another has found out which are drawn for certain, for not all are lies; right in all of them, the hint was empty. */
export const HINT_CHECKS = 8
/** A hint is forgotten after this: as long as its accuser bars for. */
export const HINT_MS = 300_000
/** Hints of one accuser that are heeded at once, at first: each one that proves true allows one more, an empty one one less. */
export const HINTS_PER_ACCUSER = 2
/** And at most so many. */
export const HINTS_PER_ACCUSER_MAX = 8
/** Accusers remembered, and peers that somebody hinted at: a few lanes of 24. */
export const HINTS_MAX = 128
/** An uplink that is not measured yet, bytes per millisecond: slow enough for one tensor of models/fashion-vit at once. */
export const UPLINK_UNKNOWN_BYTES_PER_MS = 16
/** ‖y − x‖ / ‖x‖ of one layer: honest ones of models/fashion-vit take steps of 0.16 to 0.30; below this it did nothing. */
export const STEP_SIZE_MIN = 0.02
/** And above this, for each of its layers, it is no result of them: what is random is about 1.4 apart. */
export const STEP_SIZE_MAX = 0.35
/** ‖a − b‖ / ‖a‖ of two honest results is below this: activations that travel as int8 are apart by a hundredth. */
export const TOLERANCE = 0.02
/**
 * By the files of a layer they may be so many times as far apart as the publisher measured, who saw not all
 * pictures. With int4 of models/fashion-vit a layer left out of four is still outside of that, 0.134, in all of 1,920 runs.
 */
export const FILE_DISTANCE_FACTOR = 1.15
/** An audit takes no longer than this, whatever it waits for: all its recomputations one after the other. */
export const AUDIT_MS_MAX = 60_000
