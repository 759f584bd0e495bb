import type { Command } from '../line/command.ts'
import { bench } from './bench.ts'
import { classify } from './classify.ts'
import { completion } from './completion.ts'
import { demo } from './demo.ts'
import { evaluate } from './evaluate.ts'
import { forward } from './forward.ts'
import { importModel } from './import.ts'
import { merge } from './merge.ts'
import { peer } from './peer.ts'
import { publish } from './publish.ts'
import { replay } from './replay.ts'
import { signaling } from './signaling.ts'
import { simulate } from './simulate.ts'
import { train } from './train.ts'
import { up } from './up.ts'

/** Every command, in the order of the overview. Heavy packages are loaded when a command runs. */
export const COMMANDS: readonly Command[] = [
  up,
  demo,
  classify,
  replay,
  peer,
  signaling,
  train,
  evaluate,
  merge,
  importModel,
  publish,
  forward,
  simulate,
  bench,
  completion,
]
