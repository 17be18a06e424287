import { findProfile, standIns } from '../../fixtures/stand-in/catalogue.ts'
import type { StandInImage, StandInProfile } from '../../fixtures/stand-in/stand-in-image.ts'

const { llm1, llm2, nimlib } = standIns

export interface Model {
  name: string
  image: StandInImage
  /** What its cache holds. */
  profiles: [StandInProfile, ...StandInProfile[]]
}

export const llama: Model = {
  name: 'llama',
  image: llm1,
  profiles: [findProfile(llm1, 'vllm-fp16-tp1'), findProfile(llm1, 'tensorrt_llm-l40s-bf16-tp1-throughput')],
}
export const nemotron: Model = {
  name: 'nemotron',
  image: llm2,
  profiles: [findProfile(llm2, 'vllm-fp8-tp1-pp1-34.0')],
}
const [speech] = nimlib.profiles
if (speech === undefined) throw new Error('The stand-in for nimlib has no profile.')
export const magpie: Model = { name: 'magpie', image: nimlib, profiles: [speech] }

const [, engine = llama.profiles[0]] = llama.profiles
export const llamaEngine: Model = { name: 'llama-engine', image: llm1, profiles: [engine] }

/** In the cache of `llamaEngine`: what a NIMBuild leaves beside what was downloaded (reference/operator.md, section 5). */
export const builtEngine = 'local_cache/llama-built/rank0.engine'

/** Those that are brought into the cluster. */
export const models = [llama, nemotron, magpie, llamaEngine]
