import type { Secret } from '../../system/secret.ts'

/** What is particular to HDFS, from flags and environment. */
export interface HdfsSettings {
  /** Who asks, where the cluster believes it (`user.name`). */
  user?: string
  /** A delegation token in the form of WebHDFS: then nobody is named. */
  token?: Secret
  /** A file with one, read anew when it has expired. */
  tokenFile?: string
  /** Where WebHDFS is spoken, instead of what the URL and Hadoop's configuration say: namenodes, HttpFS, Knox. */
  webhdfsUrls?: readonly URL[]
  /** Directory of core-site.xml and hdfs-site.xml. */
  configurationDirectory?: string
  /** Of new files, as chown takes it: `user`, `user:group` or `:group`. Absent: who asks, and the directory's group. */
  owner?: string
  /** Of new files, in octal digits. Absent: as the cluster has it. */
  permission?: string
  /** Copies of each block. Absent: as the cluster has it. */
  replication?: number
  /** Bytes of a block and, over WebHDFS, of a part at least. Default over WebHDFS: 64 MiB. */
  blockSize?: number
  /** Over WebHDFS: objects that a page of a listing has at most. Default: 1,000, as S3's. */
  pageSize?: number
  /**
   * By Hadoop's own client, the installed program `hdfs`, instead of WebHDFS: with this environment and nothing beside. It
   * has its own ways to say who asks, so `user` and tokens don't count.
   */
  clientEnvironment?: Readonly<Record<string, string | undefined>>
  /** Told which way to HDFS is taken, in a sentence for people. */
  onWay?: (way: string) => void
}
