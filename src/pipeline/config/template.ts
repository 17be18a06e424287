/** What `nimctl init` writes: a whole file, in which a person adapts what stands there. */
export interface Template {
  image: string
  name: string
  gpu: string
  storeUrl: string
  registry: string
}

export const templateDefaults: Template = {
  image: 'nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4',
  name: 'llama',
  gpu: 'L40S',
  storeUrl: 's3://models',
  registry: 'registry.internal:5000',
}

/** @returns YAML with comments. */
export function renderTemplate({ image, name, gpu, storeUrl, registry }: Template): string {
  const text = (value: string) => JSON.stringify(value)
  return `# yaml-language-server: $schema=./node_modules/nimctl/docs/nimctl.schema.json
# What nimctl run does. Every key: docs/nimctl-yaml.md. Variables of the environment: \${NAME}, \${NAME:-default}.
version: 1

# Where caches go. Also for the other commands: nimctl upload ./cache @inside/llama
# Credentials come from the environment, as for aws, gcloud and az.
stores:
  inside:
    url: ${text(storeUrl)}
    # endpointUrl: https://s3.internal:9000
    # region: eu-central-1

# What holds for each model that does not say otherwise.
defaults:
  mirror:
    to: ${text(registry)}
    platform: linux/amd64
  upload:
    - store: inside
      # prefix: the model's name
      layout: cache

run:
  parallel: 2
  # maxDisk: 500Gi     each cache is removed once it is in the stores
  timeouts:
    cache: 12h

models:
  - name: ${text(name)}
    image: ${text(image)}
    # ids: [...], all: true, or conditions. What there is: nimctl profiles IMAGE
    profiles:
      gpu: [${text(gpu)}]
      tp: 1
    emit:
      - kind: stack
        write: objects/${name}.yaml
        flags:
          image-registry: ${text(registry)}
          loader-image: ${text(`${registry}/tools/nimctl:latest`)}
`
}
