'use strict';

// https of Node's standard library.
//
// default   `https.request` with the files' contents and the default agent, as in the documentation: each new
//           connection parses them again
// best      an agent whose connections share one secure context, and which keeps all connections alive
//
// Every agent caches TLS sessions. Since Node 19 the default one keeps connections alive.

const fs = require('node:fs');
const https = require('node:https');
const tls = require('node:tls');

const { check, main } = require('./contender');

// The longest time without data from the server, in milliseconds.
const TIMEOUT = 30_000;

function get(options) {
  return new Promise((resolve, reject) => {
    const request = https.request(options, (response) => {
      response.setEncoding('utf8');
      let body = '';
      response.on('data', (part) => {
        body += part;
      });
      response.on('end', () => {
        check(response.statusCode, body);
        resolve();
      });
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end();
  });
}

function address(url) {
  const { hostname, port, pathname, search } = new URL(url);
  return { hostname, port, path: pathname + search, method: 'GET', timeout: TIMEOUT };
}

function files(target) {
  return {
    ca: fs.readFileSync(target.caBundle),
    cert: fs.readFileSync(target.chain),
    key: fs.readFileSync(target.key),
  };
}

main(
  {
    default: (target) => {
      const options = { ...address(target.url), ...files(target) };
      return () => get(options);
    },
    best: (target) => {
      const agent = new https.Agent({
        keepAlive: true,
        maxFreeSockets: Infinity,
        secureContext: tls.createSecureContext(files(target)),
        ALPNProtocols: [],
        // The server listens on IPv4 only; otherwise ::1 may be tried first.
        family: 4,
      });
      const options = { ...address(target.url), agent };
      return () => get(options);
    },
  },
  { Node: process.versions.node, "Node's TLS": `OpenSSL ${process.versions.openssl}` },
);
