'use strict';

// The protocol of benches/README.md: reads commands, makes calls, measures them. The event loop has THREADS calls in
// flight at once.

const readline = require('node:readline');

/** Ends the program with a message. */
function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Ends the program unless the answer is the expected one. */
function check(status, body) {
  if (status !== 200 || !body.includes('"available":true')) {
    fail(`unexpected answer: HTTP ${status}, ${body.slice(0, 500)}`);
  }
}

/** Makes the calls, and returns the answer to the command `run`. */
async function run(call, calls, tasks) {
  const latencies = [];
  const make = async (count) => {
    let start = process.hrtime.bigint();
    for (let made = 0; made < count; made++) {
      await call();
      const end = process.hrtime.bigint();
      latencies.push(Number(end - start));
      start = end;
    }
  };
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: tasks }, (_, index) => make(Math.floor(calls / tasks) + (index < calls % tasks ? 1 : 0))),
  );
  const wall = Number(process.hrtime.bigint() - start);
  // In microseconds, for all threads of the process.
  const used = process.cpuUsage(cpu);
  return { latencies_ns: latencies, wall_ns: wall, cpu_ns: (used.user + used.system) * 1000 };
}

/**
 * Runs a contender. A variant is a function that sets up the state of all calls and returns the call, which
 * resolves once its answer is checked.
 */
async function main(variants, versions) {
  const [url, caBundle, chain, key, variant, once, ...others] = process.argv.slice(2);
  if (!Object.hasOwn(variants, variant ?? '') || others.length > 0 || (once !== undefined && once !== 'once')) {
    const names = Object.keys(variants).join('|');
    console.error(`arguments: URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY ${names} [once]`);
    process.exit(2);
  }
  const call = variants[variant]({ url, caBundle, chain, key });
  if (once) {
    await call();
    process.exit(0);
  }
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = /^run ([1-9]\d*) ([1-9]\d*)$/.exec(line);
    let answer;
    if (line === 'quit') {
      break;
    } else if (line === 'versions') {
      answer = versions;
    } else if (command) {
      answer = await run(call, Number(command[1]), Number(command[2]));
    } else {
      fail(`not a command: ${line}`);
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  // Open connections would keep the process alive.
  process.exit(0);
}

module.exports = {
  check,
  main: (variants, versions) => main(variants, versions).catch((error) => fail(String(error))),
};
