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
  void import('node:v8')
    .then(function (v8) {
      keepHeapSmall(v8)
      return import('../dist/cli/main.js')
    })
    .then(function (main) {
      return main.run(process.argv.slice(2))
    })
    .then(function (exitCode) {
      process.exitCode = exitCode
    })
}

// Young objects are requests and small buffers that soon die. V8 would let their space grow to 128 MiB, and what is old
// to a multiple of what lives: 280 instead of 170 MiB for an upload of 20,000 files, which is not faster. The flag that
// limits young space counts only on node's command line, but the factor by which it grows is asked at each growth: so
// it is made to grow to 16 MiB now, by objects that live, and no more. Where a later V8 does not, no harm is done.
function keepHeapSmall(v8) {
  function youngBytes() {
    return v8.getHeapSpaceStatistics().find(function (space) {
      return space.space_name === 'new_space'
    }).space_size
  }
  v8.setFlagsFromString('--heap-growing-percent=70')
  v8.setFlagsFromString('--semi-space-growth-factor=8')
  for (var kept = []; youngBytes() < 16 * 1024 * 1024 && kept.length < 200;) kept.push(Array.from({ length: 4000 }))
  v8.setFlagsFromString('--semi-space-growth-factor=1')
}
