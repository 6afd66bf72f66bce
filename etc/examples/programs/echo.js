// SPDX-License-Identifier: MIT
// An echo server without a cluster module: prefork-srv -w 4 -l 7000 -- node echo.js
'use strict';
const net = require('net');

const server = net.createServer((client) => {
  client.on('error', () => client.destroy());
  client.pipe(client);
});

server.listen({ fd: 3 });
process.on('SIGTERM', () => server.close()); // accept no more, finish what is begun
