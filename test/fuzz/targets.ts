import type { Target } from './target.ts'
import { CLI_TARGETS } from './targets/cli.ts'
import { MODEL_TARGETS } from './targets/model.ts'
import { OTHER_TARGETS } from './targets/others.ts'
import { PEER_TARGETS } from './targets/peer.ts'
import { SIGNALING_TARGETS } from './targets/signaling.ts'
import { SWARM_TARGETS } from './targets/swarm.ts'
import { TRAINER_TARGETS } from './targets/trainer.ts'

/** Every decoder of what comes from outside: messages, streams, files, documents, addresses, flags. */
export const TARGETS: readonly Target[] = [
  ...SWARM_TARGETS,
  ...MODEL_TARGETS,
  ...PEER_TARGETS,
  ...SIGNALING_TARGETS,
  ...TRAINER_TARGETS,
  ...CLI_TARGETS,
  ...OTHER_TARGETS,
]
