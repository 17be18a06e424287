/**
 * Puts an image under a second tag as a list for three platforms. The images of the list differ in a label of their
 * manifest only; nobody runs them.
 */
export async function pushList(
  registry: string,
  repository: string,
  tag: string,
  listTag: string,
): Promise<{ digest: string; platforms: string[]; images: string[] }> {
  const base = `http://${registry}/v2/${repository}/manifests`
  const answer = await fetch(`${base}/${tag}`, { headers: { accept: dockerImage } })
  const single = JSON.parse(await answer.text())
  const platforms = [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64', variant: 'v8' },
    { os: 'linux', architecture: 'ppc64le' },
  ]
  const manifests = await Promise.all(
    platforms.map(async platform => {
      const text = JSON.stringify({ ...single, annotations: { platform: platform.architecture } })
      return {
        mediaType: dockerImage,
        size: text.length,
        digest: await put(`${base}/${platform.architecture}`, dockerImage, text),
        platform,
      }
    }),
  )
  const digest = await put(
    `${base}/${listTag}`,
    dockerList,
    JSON.stringify({ schemaVersion: 2, mediaType: dockerList, manifests }),
  )
  return {
    digest,
    platforms: ['linux/amd64', 'linux/arm64/v8', 'linux/ppc64le'],
    images: manifests.map(each => each.digest),
  }
}

const dockerImage = 'application/vnd.docker.distribution.manifest.v2+json'
const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json'

async function put(url: string, type: string, body: string): Promise<string> {
  const response = await fetch(url, { method: 'PUT', headers: { 'content-type': type }, body })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.headers.get('docker-content-digest') ?? ''
}
