// SPDX-License-Identifier: Apache-2.0
// A watch in the loop of node, which is libuv's: `node loop.js ADDON`.  The addon gives the
// descriptor of a watch to uv_poll_start() in that loop.
'use strict';

const addon = require(process.argv[2]);
const ROUNDS = 50;
const told = [];
let ticks = 0, set = 0;

const other = setInterval(() => { ticks++; }, 1);
const watchdog = setTimeout(() => { console.log('# it takes too long'); process.exit(1); }, 60000);

addon.start((tag, key) => {
    told.push(`${tag} ${key}`);
    if (told.length < ROUNDS)
        return;
    addon.stop();
    clearInterval(other);
    clearTimeout(watchdog);
    const wanted = Array.from({ length: ROUNDS }, (_, i) => `7 some/${i}`);
    console.log(`# ${told.length} events, ${ticks} ticks of something else`);
    process.exitCode = told.join() === wanted.join() && ticks > 5 ? 0 : 1;
});

// Each is set when the loop has gone round a few times since the one before.
const setter = setInterval(() => {
    addon.set(`some/${set++}`);
    if (set === ROUNDS)
        clearInterval(setter);
}, 3);
