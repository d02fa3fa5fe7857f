// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node starts children with fork().
require('child_process').execFile('/bin/echo', ['child'], (e, out) => {
  console.log('child', e, out.trim());
  process.exitCode = 5;
});
