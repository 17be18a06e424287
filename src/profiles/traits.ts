import type { ListedProfile } from './listing.ts'

/** What a profile is made for, as far as tags or description tell. Texts are in lower case. */
export interface Traits {
  engine?: string
  precision?: string
  tp?: number
  qos?: string
  /** As written, such as `h100_nvl` or `NVIDIA-A10G_10.0.1_12`. */
  gpu?: string
  /** The device without the vendor. */
  pciId?: string
  buildable: boolean
}

/** Tags where the listing has them, else the words of the description. */
export function profileTraits({ tags, description }: ListedProfile): Traits {
  return Object.keys(tags).length > 0 ? tagTraits(tags) : wordTraits(description.toLowerCase().split('-'))
}

/** How many GPUs a profile is spread over; `undefined` where nothing says it. */
export function profileGpus({ tags, description }: ListedProfile): number | undefined {
  const words = description.toLowerCase().split('-')
  const written = (name: string) =>
    tags[name] ?? words.map(word => /^(tp|pp)(\d+)$/.exec(word)).find(match => match?.[1] === name)?.[2]
  const [tp, pp] = [written('tp'), written('pp')]
  const count = Number(tags['number_of_gpus'] ?? (tp === undefined ? undefined : Number(tp) * Number(pp ?? 1)))
  return Number.isSafeInteger(count) && count > 0 ? count : undefined
}

/** LLM NIMs name the engine `llm_engine`, others `backend` or `model_type` (reference/operator.md, MatchProfiles). */
function tagTraits(tags: Record<string, string>): Traits {
  return traits({
    engine: tags['llm_engine'] ?? tags['backend'] ?? tags['model_type'],
    precision: tags['precision'],
    tp: tags['tp'],
    qos: tags['profile'],
    gpu: tags['gpu'] ?? tags['key'],
    pciId: tags['gpu_device'],
    buildable: tags['trtllm_buildable']?.toLowerCase() === 'true',
  })
}

const engineWord = /^(?:tensorrt(?:_llm)?|vllm|sglang|onnx|triton|pytorch|python)$/
const precisionWord = /^(?:(?:nv|mx)?(?:fp|bf|int)\d+\w*|w\d+a\d+\w*)$/

/** `tensorrt_llm-h100_nvl-fp8-tp2-pp1-throughput-2321:10de-…`, `a10g-fp16-tp1-throughput`, `vllm`. */
function wordTraits(words: string[]): Traits {
  const precisionAt = words.findIndex(word => precisionWord.test(word))
  const before = words.slice(0, Math.max(precisionAt, 0))
  return traits({
    engine: words.find(word => engineWord.test(word)),
    precision: words[precisionAt],
    tp: words.map(word => /^tp(\d+)$/.exec(word)?.[1]).find(tp => tp !== undefined),
    qos: words.find(word => /^(?:latency|throughput|balanced)$/.test(word)),
    gpu: before.filter(word => !engineWord.test(word) && word !== 'trtllm_buildable').join('-'),
    pciId: words.find(word => /^[0-9a-f]{4}:[0-9a-f]{4}$/.test(word)),
    buildable: words.includes('trtllm_buildable'),
  })
}

type Written = { [Name in Exclude<keyof Traits, 'buildable'>]: string | undefined } & { buildable: boolean }

function traits({ engine, precision, tp, qos, gpu, pciId, buildable }: Written): Traits {
  return {
    ...(isGiven(engine) && { engine: engine.toLowerCase() }),
    ...(isGiven(precision) && { precision: precision.toLowerCase() }),
    ...(isGiven(tp) && { tp: Number(tp) }),
    ...(isGiven(qos) && { qos: qos.toLowerCase() }),
    ...(isGiven(gpu) && { gpu }),
    ...(isGiven(pciId) && { pciId: pciId.toLowerCase().slice(0, 4) }),
    buildable,
  }
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}
