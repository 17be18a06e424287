/** A check that `nimctl validate` makes: the promise behind its name. */
export interface KnownCheck {
  /** Begins with what it is about: `cache.`, `store.`, … */
  name: string
  /** The worst that it says. */
  worst: 'failed' | 'warning' | 'not-provable'
  /** When it says so. */
  when: string
}

/** All of them, in the order in which docs/validate.md and `--list-checks` show them. */
export const knownChecks: readonly KnownCheck[] = [
  {
    name: 'cache.layout',
    worst: 'failed',
    when: 'there is no `ngc/hub/models--…/snapshots`, or no file where the cache has another form',
  },
  { name: 'cache.family', worst: 'failed', when: 'the image of `--against` is of another family than the cache' },
  { name: 'cache.link', worst: 'failed', when: 'never: says that a link leads to a file' },
  {
    name: 'cache.link-absolute',
    worst: 'failed',
    when: 'a link begins with `/`: it leads elsewhere once the cache is mounted elsewhere',
  },
  { name: 'cache.link-broken', worst: 'failed', when: 'a link leads nowhere' },
  { name: 'cache.link-outside', worst: 'failed', when: 'a link leads out of the cache' },
  { name: 'cache.blob-missing', worst: 'failed', when: 'a link leads to a blob that is not there' },
  { name: 'cache.blob-unreferenced', worst: 'warning', when: 'no snapshot links to a blob' },
  { name: 'cache.ref-missing', worst: 'warning', when: 'a snapshot of NGC has no file in `refs/`' },
  {
    name: 'cache.snapshot-missing',
    worst: 'failed',
    when: 'a file in `refs/` names a snapshot that is not there; of NGC a warning',
  },
  { name: 'cache.leftover', worst: 'warning', when: 'a download was interrupted and left something' },
  { name: 'cache.mode', worst: 'failed', when: 'the user of `--serve-as` can not read a file' },
  {
    name: 'cache.directory-mode',
    worst: 'failed',
    when: 'the user of `--serve-as` can not list or enter a directory; nothing below it is looked at',
  },
  {
    name: 'cache.case-collision',
    worst: 'warning',
    when: 'names in one folder differ only in case or in how an accent is composed',
  },
  {
    name: 'cache.profile',
    worst: 'failed',
    when: 'a file of a profile is missing; `not-provable` where nothing says which profiles or files there should be',
  },
  {
    name: 'cache.profile-of-another-tag',
    worst: 'failed',
    when: 'the image has no profile of that id; the nearest by its tags is named',
  },
  {
    name: 'cache.file-missing',
    worst: 'failed',
    when: "a file that the manifest, an index of weights or nimctl's own list names is missing; of a profile that is not there at all, its files are not named",
  },
  { name: 'cache.file-size', worst: 'failed', when: 'a file has another size than the manifest says' },
  {
    name: 'cache.extra',
    worst: 'warning',
    when: "there is a file that neither the manifest nor nimctl's own list names",
  },
  {
    name: 'cache.snapshot-extra',
    worst: 'warning',
    when: 'there is a snapshot of another model, or of another version, than the manifest names',
  },
  {
    name: 'cache.local-model',
    worst: 'failed',
    when: "an engine that `local_cache/local_manifest.yaml` names is missing; a warning where that file can't be read",
  },
  {
    name: 'cache.content',
    worst: 'failed',
    when: "a blob is empty and should not be; with `--deep`: a file is not what its name says (MD5 of NGC, SHA-256 or Git's SHA-1 of Hugging Face), not what `checksums.blake3` says, or not what nimctl noted; `not-provable` where nothing says what it is",
  },
  {
    name: 'cache.link-content',
    worst: 'failed',
    when: "with `--deep`: a link leads to a blob that is whole, but not to the one that `checksums.blake3` or nimctl's own list says",
  },
  { name: 'store.inventory', worst: 'failed', when: 'the inventory is missing or damaged' },
  { name: 'store.inventory-digest', worst: 'failed', when: 'it is not the one that `--inventory-digest` names' },
  {
    name: 'store.image',
    worst: 'failed',
    when: 'with `--against`: the inventory is that of another image, or has profiles that the image does not have',
  },
  { name: 'store.model', worst: 'failed', when: 'the inventory is about other models than those that lie there' },
  {
    name: 'store.profile',
    worst: 'failed',
    when: 'a profile of `--profile` was not uploaded; with `--against IMAGE`: a file of a profile is missing',
  },
  { name: 'store.blob-missing', worst: 'failed', when: 'a blob is missing' },
  { name: 'store.link-missing', worst: 'failed', when: "the key of a snapshot's link is missing" },
  { name: 'store.file-missing', worst: 'failed', when: 'another file is missing' },
  { name: 'store.blob-size', worst: 'failed', when: 'a blob has another size' },
  { name: 'store.link-size', worst: 'failed', when: "the object of a snapshot's link has another size" },
  { name: 'store.file-size', worst: 'failed', when: 'another file has another size' },
  {
    name: 'store.blob-checksum',
    worst: 'failed',
    when: 'a blob has another CRC32C; `not-provable` where the store has none',
  },
  {
    name: 'store.link-checksum',
    worst: 'failed',
    when: "the object of a snapshot's link has another CRC32C; `not-provable` where the store has none",
  },
  {
    name: 'store.file-checksum',
    worst: 'failed',
    when: 'another file has another CRC32C; `not-provable` where the store has none',
  },
  {
    name: 'store.archived',
    worst: 'failed',
    when: 'an object has to be restored before it can be read: S3 `GLACIER` and `DEEP_ARCHIVE`, Azure `Archive`',
  },
  {
    name: 'store.listing',
    worst: 'failed',
    when: 'the listing says otherwise than the store says of the object itself',
  },
  {
    name: 'store.unfinished-upload',
    worst: 'warning',
    when: 'an upload was begun and not ended; `not-provable` where uploads may not be listed',
  },
  {
    name: 'store.layout-mixed',
    worst: 'warning',
    when: 'there is an object of another layout: keys of `ngc` beside those of `cache`, or an archive beside files',
  },
  { name: 'store.extra', worst: 'warning', when: 'there is an object that nobody names' },
  { name: 'reader.arrives', worst: 'failed', when: 'never: says how much the reader gets' },
  {
    name: 'reader.address',
    worst: 'failed',
    when: 'the URL means something else to the reader; `not-provable` for `hm` with HDFS, which only its how-to describes',
  },
  { name: 'reader.one-file', worst: 'failed', when: '`kserve`, `hm`: over https it is not the address of an archive' },
  {
    name: 'reader.archive',
    worst: 'failed',
    when: '`kserve`, `hm`: the URL is not that of the archive of layout `tar`, or there is none',
  },
  {
    name: 'reader.content-type',
    worst: 'failed',
    when: '`kserve`, `hm`: the web server gives the archive another type than those of tar',
  },
  {
    name: 'reader.empty-file',
    worst: 'failed',
    when: '`kserve`, `hm`: a file is empty, and in S3 and Azure they pass over it',
  },
  { name: 'reader.links', worst: 'failed', when: 'links stand in the inventory alone (`--links record`)' },
  {
    name: 'reader.sibling',
    worst: 'failed',
    when: '`kserve`, `hm`: other keys begin with the prefix, as `llama-lora/` with `llama`, and come along; `not-provable` where they may not be listed',
  },
  {
    name: 'reader.unpacked',
    worst: 'failed',
    when: '`kserve`, `hm`: a tar or zip is the only object, and is unpacked',
  },
  { name: 'reader.collision', worst: 'failed', when: 'a key has the name of a folder: `a` beside `a/b`' },
  {
    name: 'reader.folder-key',
    worst: 'failed',
    when: 'a key with content ends in a slash; a warning for `kserve` and `hm` where they pass over it',
  },
  { name: 'reader.parent-key', worst: 'failed', when: 'a key has `..` between its slashes' },
  {
    name: 'reader.depth',
    worst: 'failed',
    when: '`hm`: the URL is not the folder that has `ngc/hub/` in it; `not-provable` for an archive, or a cache without a hub',
  },
  {
    name: 'reader.doubled',
    worst: 'failed',
    when: "`hm`: the model's folder lies in itself, `nim-X/nim-X`; a warning where the URL names both",
  },
  { name: 'reader.lora-only', worst: 'failed', when: '`hm`: all profiles are for LoRA, which it does not offer' },
  { name: 'reader.key', worst: 'failed', when: '`nim`: an NGC address as key, but not encoded as the NIM asks for it' },
  { name: 'reader.bucket-name', worst: 'warning', when: "`nim`: the bucket's name does not go into a host's name" },
  {
    name: 'image.tag',
    worst: 'warning',
    when: 'the name has no tag, or `latest`, whose profiles change from one day to the next',
  },
  { name: 'image.exists', worst: 'failed', when: 'its registry has no such image' },
  { name: 'image.platform', worst: 'failed', when: 'manifest or config of a platform is missing or damaged' },
  { name: 'image.layer', worst: 'failed', when: 'a layer is missing, has another size, or may not be read' },
  { name: 'image.family', worst: 'failed', when: 'it is no NIM, or not for all platforms of the same family' },
  { name: 'image.manifest', worst: 'failed', when: 'its model manifest is missing or not to be read' },
  {
    name: 'image.mirror',
    worst: 'failed',
    when: 'a platform has another digest at `--mirror`, or is not there; `warning` where only the format is another',
  },
  { name: 'image.mirror-exists', worst: 'failed', when: 'there is no image at `--mirror`' },
  { name: 'image.mirror-platform', worst: 'failed', when: 'as `image.platform`, of the mirror' },
  { name: 'image.mirror-layer', worst: 'failed', when: 'as `image.layer`, of the mirror' },
  { name: 'endpoint.ready', worst: 'failed', when: 'the health path answers anything but 200' },
  { name: 'endpoint.models', worst: 'failed', when: '`/v1/models` lists none' },
  { name: 'endpoint.model', worst: 'failed', when: 'the model of `--model` is not served' },
  { name: 'endpoint.metadata', worst: 'warning', when: '`/v1/metadata` names neither version nor profile' },
  {
    name: 'endpoint.request',
    worst: 'failed',
    when: 'a small request is answered wrongly; `not-provable` where no known route answers',
  },
  {
    name: 'pod.running',
    worst: 'failed',
    when: 'the pod or its container does not run, and why; a warning where it runs and is not ready',
  },
  {
    name: 'pod.files',
    worst: 'failed',
    when: 'there is no cache at that path, or no file in it; `not-provable` where the container can not list it',
  },
  { name: 'pod.file-missing', worst: 'failed', when: 'with `--against`: a file or link of the inventory is missing' },
  { name: 'pod.file-size', worst: 'failed', when: 'with `--against`: a file has another size than the inventory says' },
  {
    name: 'pod.link',
    worst: 'failed',
    when: 'a link leads to no file of the cache; with `--against`: it leads elsewhere than the inventory says',
  },
  { name: 'pod.extra', worst: 'warning', when: 'with `--against`: there is a file that the inventory does not name' },
  {
    name: 'pod.download',
    worst: 'failed',
    when: 'the log shows that the NIM tried to download, and its environment says offline, or has no key; a warning where it has a key; `not-provable` without a log',
  },
  {
    name: 'pod.profile',
    worst: 'failed',
    when: "the profile in use is not that of `--profile` or `NIM_MODEL_PROFILE`, or not among the inventory's; `not-provable` where neither log nor environment names one",
  },
]
