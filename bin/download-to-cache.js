#!/usr/bin/env node
// What the NIM Operator starts in nimctl's own image, as it would in a NIM image: `download-to-cache --profiles ID …`
// (docs/architecture.md, The loader). The whole uploaded cache is fetched, whichever profiles are named.
import { runLoader } from '../dist/cli/loader.js'

process.exitCode = await runLoader(process.env)
