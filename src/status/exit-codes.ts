/** What the exit code of a container means. */
export interface ExitMeaning {
  code: string
  what: string
  next: string
}

/** Of nimctl's own programs, as docs/exit-codes.md has them: the loader of a Job, an init container or a NIMCache. */
export const loaderExits: Readonly<Record<number, ExitMeaning>> = {
  1: {
    code: 'LOADER_BUG',
    what: 'The loader met a bug of nimctl.',
    next: 'Report it, with its log.',
  },
  2: {
    code: 'LOADER_USAGE',
    what: 'The loader was started with arguments or variables that it does not take; it tried nothing.',
    next: 'Write the objects anew with nimctl emit, with the version of nimctl that the image has.',
  },
  3: {
    code: 'LOADER_CHECK_FAILED',
    what: 'What the loader found in the store is not complete, or not what the objects name.',
    next: 'Look at the store: nimctl validate store URL. Where it was uploaded anew, write the objects anew with nimctl emit.',
  },
  4: {
    code: 'LOADER_NOT_PERMITTED',
    what: 'The store knows the credentials of the loader not, or does not permit it to read.',
    next: "Look at the Secret that the objects name: it has to hold the store's own names of variables. What the credentials permit: nimctl doctor URL",
  },
  5: {
    code: 'LOADER_NOT_FOUND',
    what: 'The loader did not find the bucket, the prefix or the profile.',
    next: 'See what lies there: nimctl list URL. The URL has to be the one by which the cluster reaches the store.',
  },
  6: {
    code: 'LOADER_UNAVAILABLE',
    what: 'The loader could not reach the store.',
    next: "Look from within the cluster: the store's name, port, proxy and network policies. What has arrived is kept; the Job tries again.",
  },
  7: {
    code: 'LOADER_TOOL_MISSING',
    what: "The loader's image lacks a tool that this kind of store needs.",
    next: "Use nimctl's own image of this version.",
  },
  8: {
    code: 'LOADER_VOLUME',
    what: 'The loader could not write its volume: it is full, or does not belong to the user of the pod.',
    next: 'See its log. Enlarge the claim, or give the volume to the user and group of the pod (fsGroup; on hostPath and NFS with chown).',
  },
  130: {
    code: 'LOADER_INTERRUPTED',
    what: 'The loader was interrupted.',
    next: 'Nothing: what has arrived is kept, and the Job tries again.',
  },
  143: {
    code: 'LOADER_INTERRUPTED',
    what: 'The cluster ended the loader.',
    next: 'Nothing: what has arrived is kept, and the Job tries again.',
  },
}

/** Of any container: what shells, runtimes and signals mean by them. 128 and more is 128 + the signal. */
const anyExits: Readonly<Record<number, ExitMeaning>> = {
  0: {
    code: 'CONTAINER_EXITS',
    what: 'The program ends, as if its work were done, and is started again each time.',
    next: 'Look at command and args of the container: a server has to stay. What ends by itself belongs into a Job.',
  },
  126: {
    code: 'PROGRAM_NOT_RUNNABLE',
    what: 'The container could not run its program: it is not executable for this user.',
    next: 'Look at command and args of the container, and at the user it runs as.',
  },
  127: {
    code: 'PROGRAM_MISSING',
    what: 'The image has no such program.',
    next: 'Look at command and args of the container, and whether this is the image that has it.',
  },
  128: {
    code: 'PROGRAM_MISSING',
    what: 'The container runtime could not start the program.',
    next: 'Look at command and args of the container, and whether this is the image that has it.',
  },
  134: {
    code: 'CONTAINER_ABORTED',
    what: 'The program gave up by itself (SIGABRT).',
    next: 'Its log says why.',
  },
  137: {
    code: 'CONTAINER_KILLED',
    what: 'The container was killed (SIGKILL): by a probe, by the node for want of memory, or because its time was over.',
    next: 'Look at its events (kubectl describe pod) for probes, and at the memory of the node.',
  },
  139: {
    code: 'CONTAINER_CRASHED',
    what: 'The program crashed (SIGSEGV).',
    next: "Often driver and image do not go together: look at the image's support matrix for the GPU and the driver.",
  },
  143: {
    code: 'CONTAINER_ENDED',
    what: 'The container was asked to end (SIGTERM).',
    next: 'Look at its events (kubectl describe pod) for who asked: a probe, a rollout, a node that drains.',
  },
}

const unknownExit: ExitMeaning = {
  code: 'CONTAINER_FAILED',
  what: 'The container ended with an error.',
  next: 'Its log says why.',
}

export function meaningOfExit(exitCode: number, { isLoader }: { isLoader: boolean }): ExitMeaning {
  return (isLoader ? loaderExits[exitCode] : undefined) ?? anyExits[exitCode] ?? unknownExit
}
