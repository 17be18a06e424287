#!/usr/bin/env node
// What the NIM Operator starts in nimctl's own image, as it would in a NIM image: `download-to-cache --profiles ID …`
// (docs/architecture.md, The loader). The whole uploaded cache is fetched, whichever profiles are named.
import { run } from '../dist/cli/main.js'

const { NIMCTL_CACHE_URL: url = '', NIM_CACHE_PATH: directory = '', NIMCTL_INVENTORY_DIGEST: digest } = process.env
const expected = digest ? ['--inventory-digest', digest] : []

process.exitCode = await run(['download', url, directory, ...expected])
