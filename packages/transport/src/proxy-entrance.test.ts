import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Recorder } from './contract/recorder.ts';
import { Accepting, HOST, LIMIT } from './contract/tcp.ts';
import { describeWire } from './contract/wire.ts';
import type { ProxyProtocolOptions } from './proxy-entrance.ts';
import { connectTcp } from './tcp.ts';

const HEADER = 'PROXY TCP4 192.0.2.7 127.0.0.1 54321 1883\r\n';
const PROXY: ProxyProtocolOptions = { protocol: 'any', trusted: ['127.0.0.0/8'] };

describeWire('TCP behind a proxy', async () => {
  const accepting = await Accepting.at({ proxy: PROXY });
  const client = await connectTcp({ host: HOST, port: accepting.listener.port });
  client.write(Buffer.from(HEADER));
  const server = await accepting.next();
  await accepting.listener.close();
  return [client, server];
});

describe('a listener behind a proxy', () => {
  test('knows the client by what the proxy says, and loses none of its bytes', LIMIT, async () => {
    const accepting = await Accepting.at({ proxy: PROXY });
    const socket = net.connect({ host: HOST, port: accepting.listener.port });
    for (const text of ['PROXY TCP4 192.0.2.7 127.', `0.0.1 54321 1883\r\nhel`, 'lo']) {
      socket.write(text);
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    const wire = await accepting.next();
    assert.deepEqual(wire.peer, { address: '192.0.2.7', port: 54321, proxyAddress: HOST });
    const recorder = Recorder.open(wire);
    await recorder.told('ended');
    assert.equal(recorder.bytes.toString(), 'hello');
    recorder.call(() => wire.close());
    await recorder.told('closed');
    await accepting.listener.close();
  });

  test('shows an IPv4 client as IPv4, also where a dual-stack proxy tells of it in IPv6', LIMIT, async () => {
    const mapped = '00000000000000000000ffffc6336407';
    const v2 = `0d0a0d0a000d0a515549540a21210024${mapped}${mapped}d431075b`;
    const v1 = Buffer.from('PROXY TCP6 ::FFFF:c633:6407 ::1 54321 1883\r\n');
    const accepting = await Accepting.at({ proxy: PROXY });
    for (const header of [v1, Buffer.from(v2, 'hex')]) {
      const socket = net.connect({ host: HOST, port: accepting.listener.port });
      socket.write(header);
      const wire = await accepting.next();
      assert.equal(wire.peer.address, '198.51.100.7');
      socket.destroy();
      wire.destroy();
    }
    await accepting.listener.close();
  });

  test('takes a health check for the proxy itself', LIMIT, async () => {
    const accepting = await Accepting.at({ proxy: PROXY });
    const socket = net.connect({ host: HOST, port: accepting.listener.port });
    socket.write(Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex'));
    const { peer } = await accepting.next();
    assert.deepEqual(peer, { address: HOST, port: socket.localPort });
    socket.destroy();
    await accepting.listener.close();
  });

  const refusals: [string, Partial<ProxyProtocolOptions>, string, string][] = [
    ['a peer that is not trusted, whatever it says', { trusted: ['192.0.2.0/24'] }, HEADER, 'DUNLIN_PROXY_UNTRUSTED'],
    ['a trusted peer without the header', {}, '\x10\x0c\0\x04MQTT', 'DUNLIN_PROXY_HEADER'],
    ['the version that is not expected', { protocol: 'v2' }, HEADER, 'DUNLIN_PROXY_HEADER'],
    ['a header that does not come in time', { headerTimeoutMs: 1 }, 'PROXY ', 'ETIMEDOUT'],
  ];
  for (const [name, options, bytes, code] of refusals)
    test(`turns away ${name}`, LIMIT, async () => {
      const accepting = await Accepting.at({ proxy: { ...PROXY, ...options } });
      const socket = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
      socket.write(bytes);
      await once(socket.resume(), 'close');
      assert.deepEqual([accepting.wires, accepting.refused], [[], [[code, HOST]]]);
      await accepting.listener.close();
    });

  test('turns away a peer that ends within the header', LIMIT, async () => {
    const accepting = await Accepting.at({ proxy: PROXY });
    const socket = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
    socket.end('PROXY ');
    await once(socket.resume(), 'close');
    assert.deepEqual([accepting.wires, accepting.refused], [[], [['DUNLIN_PROXY_HEADER', HOST]]]);
    await accepting.listener.close();
  });

  test('tells of a peer that resets within the header', LIMIT, async () => {
    const accepting = await Accepting.at({ proxy: PROXY });
    const socket = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
    socket.write('PROXY ');
    await once(socket, 'connect');
    socket.resetAndDestroy();
    while (accepting.refused.length === 0) await turn();
    assert.deepEqual([accepting.wires, accepting.refused], [[], [['ECONNRESET', HOST]]]);
    await accepting.listener.close();
  });

  test('counts those whose header has not come as connections', LIMIT, async () => {
    const accepting = await Accepting.at({ proxy: PROXY, connectionsMax: 1 });
    const first = net.connect({ host: HOST, port: accepting.listener.port });
    await once(first, 'connect');
    const second = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
    await once(second.resume(), 'close');
    assert.match(String(accepting.errors), /DUNLIN_CONNECTIONS_MAX/);
    first.write(HEADER);
    (await accepting.next()).destroy();
    await accepting.listener.close();
  });
});
