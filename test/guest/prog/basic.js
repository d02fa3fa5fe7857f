// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node: JIT code, timers, files, crypto, workers, HTTP on loopback.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');

function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

// 512 MiB of addresses for the code of each are too much where addresses are memory (docs/memory.md).
const resourceLimits = process.env.GUEST_STATIC ? { codeRangeSizeMb: 64 } : {};

function worker(n) {
  return new Promise((ok, bad) => {
    const w = new Worker(__filename, { workerData: n, resourceLimits });
    w.on('message', ok);
    w.on('error', bad);
  });
}

function get(port, i) {
  return new Promise((ok, bad) => {
    http.get({ port, host: '127.0.0.1', path: '/' + i }, (r) => {
      let s = '';
      r.on('data', (d) => { s += d; });
      r.on('end', () => ok(s));
    }).on('error', bad);
  });
}

async function main() {
  console.log('fib', fib(25));
  console.log('sha', crypto.createHash('sha256').update('x'.repeat(100000)).digest('hex'));
  fs.writeFileSync('/tmp/node-file', 'text');
  console.log('file', fs.readFileSync('/tmp/node-file', 'utf8'), await fs.promises.readFile('/tmp/node-file', 'utf8'));
  console.log('workers', (await Promise.all([1, 2, 3].map((n) => worker(n + 15)))).join());
  const server = http.createServer((q, r) => r.end('you asked ' + q.url)).listen(0, '127.0.0.1');
  await new Promise((ok) => server.on('listening', ok));
  const all = await Promise.all([...Array(30).keys()].map((i) => get(server.address().port, i)));
  console.log('http', all.length, all[29]);
  server.close();
  await new Promise((ok) => setTimeout(ok, 20));
  process.exitCode = 5;
}

if (isMainThread)
  main();
else
  parentPort.postMessage(fib(workerData));
