/** Of those that images of NIMs, and of what is used beside them, come from. */
const publicRegistries: ReadonlySet<string> = new Set([
  'nvcr.io',
  'docker.io',
  'ghcr.io',
  'quay.io',
  'registry.k8s.io',
  'gcr.io',
  'public.ecr.aws',
  'mcr.microsoft.com',
])

/** Whether a registry is on the internet, where a disconnected cluster can't reach it. @param registry as in a reference. */
export function isPublicRegistry(registry: string): boolean {
  return publicRegistries.has(registry) || registry.endsWith('.docker.io')
}
