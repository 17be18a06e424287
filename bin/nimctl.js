#!/usr/bin/env node
// Parses on any Node that knows import(), so that an old one gets a sentence and not a syntax error.
var needed = [22, 15]
var found = process.versions.node.split('.').map(Number)

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  var what = 'nimctl needs Node.js ' + needed.join('.') + ' or newer; this is ' + process.versions.node + '.'
  var next = 'Install a newer one from https://nodejs.org/en/download or with your version manager.'
  if (process.argv.indexOf('--json') > 0) {
    var error = {
      formatVersion: 1,
      kind: 'Error',
      category: 'missing-tool',
      code: 'NODE_TOO_OLD',
      exitCode: 7,
      what: what,
      next: next,
    }
    console.log(JSON.stringify(error))
  } else console.error('Error: ' + what + '\n' + next)
  process.exitCode = 7
} else {
  // Young objects are requests and small buffers that soon die. V8 would let their space grow to 3 × 16 MiB, which is
  // not faster, and broke the memory goal of an upload (npm run bench).
  void import('node:v8')
    .then(function (v8) {
      v8.setFlagsFromString('--max-semi-space-size=4')
      return import('../dist/cli/main.js')
    })
    .then(function (main) {
      return main.run(process.argv.slice(2))
    })
    .then(function (exitCode) {
      process.exitCode = exitCode
    })
}
