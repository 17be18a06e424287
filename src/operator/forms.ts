import { isDnsSubdomain } from './names.ts'

const labelWord = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const maxLabel = 63

/** The key of a label or an annotation: a name, perhaps after a domain and `/`. */
export function isLabelName(key: string): boolean {
  const slash = key.indexOf('/')
  const name = key.slice(slash + 1)
  return name.length <= maxLabel && labelWord.test(name) && (slash < 0 || isDnsSubdomain(key.slice(0, slash)))
}

export function isLabelValue(text: string): boolean {
  return text === '' || (text.length <= maxLabel && labelWord.test(text))
}

/** distribution/reference, as a kubelet parses the image of a container. */
const imageReference =
  /^[A-Za-z0-9][-A-Za-z0-9.]*(:\d+)?(\/[a-z0-9]+([._]|__|-+)?[-a-z0-9._]*)*(:[A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?(@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?$/

export function isImageReference(text: string): boolean {
  return imageReference.test(text)
}

/** Whether an image may be another one tomorrow: no tag and no digest, or `latest`. */
export function isFloating(image: string): boolean {
  if (image.includes('@')) return false
  const tag = /:([^/:]*)$/.exec(image)?.[1]
  return tag === undefined || tag === 'latest'
}
