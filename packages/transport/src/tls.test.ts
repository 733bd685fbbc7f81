import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { after, describe, test } from 'node:test';
import * as tls from 'node:tls';
import { Recorder } from './contract/recorder.ts';
import { Accepting, HOST, LIMIT } from './contract/tcp.ts';
import { describeWire } from './contract/wire.ts';
import { Authority, FOR_CLIENTS, FOR_SERVERS } from './testing/certificates.ts';
import { listenTls, type TlsListener, type TlsListenOptions } from './tls.ts';
import { connectTls, type TlsConnectOptions } from './tls-connect.ts';
import type { Wire } from './wire.ts';

const ours = Authority.root('our authority');
const foreign = Authority.root('our authority');
const server = ours.issue({ name: 'localhost', hosts: ['localhost', HOST], purposes: FOR_SERVERS });
const player = ours.issue({ name: 'player', purposes: FOR_CLIENTS });

const folder = mkdtempSync(join(tmpdir(), 'dunlin-tls-'));
after(() => rmSync(folder, { recursive: true }));

type Options = Partial<Omit<TlsListenOptions, 'tls'>> & { tls?: Partial<TlsListenOptions['tls']> };

function listen(options: Options = {}): Promise<Accepting<TlsListener>> {
  const settings = { credentials: [server], authorities: [ours.pem], ...options.tls };
  return Accepting.by((accepting) => listenTls({ host: HOST, port: 0, ...accepting, ...options, tls: settings }));
}

function connect(accepting: Accepting<TlsListener>, options: Partial<TlsConnectOptions> = {}): Promise<Wire> {
  return connectTls({ host: HOST, port: accepting.listener.port, authorities: [ours.pem], ...options });
}

describeWire('TLS', async () => {
  const accepting = await listen();
  const [client, wire] = await Promise.all([connect(accepting), accepting.next()]);
  await accepting.listener.close();
  return [client, wire];
});

describeWire('TLS behind a proxy', async () => {
  const accepting = await listen({ proxy: { protocol: 'v1', trusted: [HOST] } });
  const socket = net.connect({ host: HOST, port: accepting.listener.port, allowHalfOpen: true });
  socket.write('PROXY TCP4 192.0.2.7 192.0.2.1 5 6\r\n');
  const client = tls.connect({ socket, ca: [ours.pem], servername: 'localhost' });
  await once(client, 'secureConnect');
  client.pause();
  const wire = await accepting.next();
  assert.deepEqual([wire.peer.address, wire.peer.port, wire.peer.proxyAddress], ['192.0.2.7', 5, HOST]);
  assert.equal(wire.peer.serverName, 'localhost');
  await accepting.listener.close();
  const { NetWire } = await import('./tcp-net.ts');
  return [new NetWire(client, { lingerMs: 2000, wireGone: () => {} }), wire];
});

/** What a client that speaks first gets: `wire` and the certificates where it was accepted, else the code of the refusal. */
async function outcome(accepting: Accepting<TlsListener>, options: tls.ConnectionOptions): Promise<string | number> {
  // Given authorities, this client would send those that fit along with its certificate.
  const socket = tls.connect({ host: HOST, port: accepting.listener.port, rejectUnauthorized: false, ...options });
  socket.on('error', () => {});
  socket.write('hello');
  const closed = new Promise<string>((resolve) => {
    socket.resume().on('close', () => resolve(accepting.refused.map(([code]) => code).join()));
  });
  const first = await Promise.race([accepting.next(), closed]);
  if (typeof first === 'string') {
    assert.equal(accepting.wires.length, 0);
    return first;
  }
  const count = first.peer.certificates?.length ?? 0;
  socket.destroy();
  first.destroy();
  return count;
}

describe('a client certificate, in both versions of TLS', () => {
  const site = ours.intermediate('site authority');
  const noAuthority = ours.intermediate('no authority', { isAuthority: false });
  const foreignSite = foreign.intermediate('site authority');
  const old = { fromDays: -2, untilDays: -1 };
  // Same name, same key usage, another key: only the signature tells.
  const cases: [string, tls.ConnectionOptions, string | number, string | number][] = [
    ['of our own is given to MQTT', credential(player), 1, 1],
    ['through an intermediate is given with it', credential(site.issue({ name: 'p' })), 2, 2],
    ['of ours that expired is for MQTT to refuse', credential(ours.issue({ name: 'p', ...old })), 1, 1],
    [
      'of ours that is not yet valid is for MQTT to refuse',
      credential(ours.issue({ fromDays: 1, untilDays: 2 })),
      1,
      1,
    ],
    ['through an intermediate that expired is for MQTT to refuse', credential(site.issue({ name: 'p', ...old })), 2, 2],
    [
      'of a foreign authority with the same name',
      credential(foreign.issue({ name: 'player' })),
      'CERT_SIGNATURE_FAILURE',
      'CERT_SIGNATURE_FAILURE',
    ],
    [
      'of a foreign authority that expired',
      credential(foreign.issue(old)),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    [
      'of a foreign authority that is not yet valid',
      credential(foreign.issue({ fromDays: 1, untilDays: 2 })),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    [
      'of a foreign intermediate that expired',
      credential(foreignSite.issue(old)),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    ['by one that is no authority', credential(noAuthority.issue({ name: 'p' })), 'INVALID_PURPOSE', 'INVALID_PURPOSE'],
    [
      'by one that is no authority, and expired',
      credential(noAuthority.issue(old)),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    ['of a server', credential(server), 'INVALID_PURPOSE', 'INVALID_PURPOSE'],
    [
      'of a server, and expired',
      credential(ours.issue({ purposes: FOR_SERVERS, ...old })),
      'INVALID_PURPOSE',
      'INVALID_PURPOSE',
    ],
    ['signed by itself', credential(foreign.self()), 'DEPTH_ZERO_SELF_SIGNED_CERT', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['that is missing', {}, 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 0],
  ];
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const [name, options, required, optional] of cases)
      test(`${name}: ${version}`, LIMIT, async () => {
        for (const [clientCertificate, expected] of [
          ['required', required],
          ['optional', optional],
        ] as const) {
          const accepting = await listen({ tls: { clientCertificate } });
          assert.equal(await outcome(accepting, { ...options, minVersion: version, maxVersion: version }), expected);
          await accepting.listener.close();
        }
      });
});

function credential({ certificate, key }: { certificate: string; key: string }): tls.ConnectionOptions {
  return { cert: certificate, key };
}

/** Runs a program against the listener; settles with what it said when it ended. */
async function run(program: string, ...parameters: string[]): Promise<{ status: number | null; said: string }> {
  const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.end();
  const [status] = await once(child, 'close');
  return { status, said: Buffer.concat(chunks).toString() };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('a TLS listener', () => {
  test('speaks no TLS before 1.2, and 1.3 only where that is asked for', LIMIT, async () => {
    const accepting = await listen();
    const strict = await listen({ tls: { minVersion: 'TLSv1.3' } });
    const at = `${HOST}:${accepting.listener.port}`;
    for (const version of ['-tls1', '-tls1_1']) {
      // The client shall be willing; the refusal must be the server's.
      const { said } = await run('openssl', 's_client', '-connect', at, version, '-cipher', 'DEFAULT@SECLEVEL=0');
      assert.match(said, /alert protocol version/);
    }
    const { said } = await run('openssl', 's_client', '-connect', `${HOST}:${strict.listener.port}`, '-tls1_2');
    assert.match(said, /alert protocol version/);
    assert.deepEqual(
      accepting.refused.map(([code]) => code),
      Array(2).fill('ERR_SSL_UNSUPPORTED_PROTOCOL'),
    );
    assert.equal(accepting.wires.length, 0);
    await Promise.all([accepting.listener.close(), strict.listener.close()]);
  });

  test('takes ALPN mqtt and no ALPN, and turns away what speaks something else', LIMIT, async () => {
    const accepting = await listen();
    for (const protocols of [undefined, ['mqtt'], ['x', 'mqtt']]) {
      const client = await connect(accepting, protocols === undefined ? {} : { protocols });
      (await accepting.next()).destroy();
      client.destroy();
    }
    await assert.rejects(connect(accepting, { protocols: ['http/1.1'] }), { name: 'TransportError' });
    assert.deepEqual(
      accepting.refused.map(([code]) => code),
      ['ERR_SSL_NO_APPLICATION_PROTOCOL'],
    );
    await accepting.listener.close();
  });

  test('chooses its certificate by the name that is asked for, else takes the first', LIMIT, async () => {
    const other = ours.issue({ name: 'other', hosts: ['other.example', '*.wild.example'] });
    const accepting = await listen({ tls: { credentials: [server, other] } });
    for (const [serverName, seen] of [
      ['other.example', 'other'],
      ['a.wild.example', 'other'],
      ['nobody.example', 'localhost'],
    ]) {
      const socket = tls.connect({
        host: HOST,
        port: accepting.listener.port,
        servername: serverName,
        rejectUnauthorized: false,
      });
      await once(socket, 'secureConnect');
      assert.equal(socket.getPeerCertificate().subject.CN, seen);
      const wire = await accepting.next();
      assert.equal(wire.peer.serverName, serverName);
      socket.destroy();
      wire.destroy();
    }
    await accepting.listener.close();
  });

  test(
    'swaps certificates without dropping a connection, and changes nothing where they do not serve',
    LIMIT,
    async () => {
      const accepting = await listen();
      const before = await connect(accepting);
      const wire = Recorder.open(await accepting.next());
      const renewed = ours.issue({ name: 'renewed', hosts: [HOST] });
      const wrong: [Partial<TlsListenOptions['tls']>, RegExp][] = [
        [{ credentials: [] }, /at least one certificate/],
        [
          { credentials: [{ certificate: renewed.certificate, key: server.key }] },
          /certificate 1 and its key do not serve/,
        ],
        [{ credentials: [renewed, { certificate: 'none', key: 'none' }] }, /certificate 2 and its key do not serve/],
        [{ credentials: [renewed], clientCertificate: 'required', authorities: [] }, /at least one authority/],
        [
          { credentials: [renewed], clientCertificate: 'required', authorities: ['none'] },
          /authority 1 cannot be read/,
        ],
      ];
      for (const [settings, message] of wrong)
        assert.throws(() => accepting.listener.update({ credentials: [server], ...settings }), {
          code: 'DUNLIN_TLS_SETTINGS',
          message,
        });
      assert.equal(await seenName(accepting), 'localhost');
      accepting.listener.update({ credentials: [renewed] });
      assert.equal(await seenName(accepting), 'renewed');
      before.write(Buffer.from('still here'));
      await wire.until(() => wire.receivedBytes === 10);
      before.destroy();
      wire.call(() => wire.wire.destroy());
      await accepting.listener.close();
    },
  );

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(
      `resumes sessions with the certificate of the client, across an update of its own: ${version}`,
      LIMIT,
      async () => {
        const accepting = await listen({ tls: { clientCertificate: 'required' } });
        const first = await talk(accepting, version);
        assert.deepEqual([first.reused, first.certificates], [false, 1]);
        const settings = { credentials: [ours.issue({ hosts: [HOST] })], clientCertificate: 'required' } as const;
        accepting.listener.update({ ...settings, authorities: [ours.pem] });
        const second = await talk(accepting, version, first.session);
        assert.deepEqual([second.reused, second.certificates], [true, 1]);
        await accepting.listener.close();
      },
    );

    test(`does not resume sessions when the authorities have changed: ${version}`, LIMIT, async () => {
      const accepting = await listen({ tls: { clientCertificate: 'required' } });
      const { session } = await talk(accepting, version);
      accepting.listener.update({
        credentials: [server],
        clientCertificate: 'required',
        authorities: [ours.pem, foreign.pem],
      });
      assert.equal((await talk(accepting, version, session)).reused, false);
      accepting.listener.update({ credentials: [server], clientCertificate: 'required', authorities: [foreign.pem] });
      const options = { ...credential(player), session, minVersion: version, maxVersion: version };
      assert.equal(await outcome(accepting, options), 'CERT_SIGNATURE_FAILURE');
      await accepting.listener.close();
    });

    test(`lets no client handshake a second time: ${version}`, LIMIT, async () => {
      const accepting = await listen();
      const socket = tls.connect({ host: HOST, port: accepting.listener.port, ca: [ours.pem], maxVersion: version });
      await once(socket, 'secureConnect');
      const recorder = Recorder.open(await accepting.next());
      const told = new Promise<Error | null>((resolve) => {
        socket.on('error', resolve);
        if (!socket.renegotiate({}, resolve)) resolve(new Error('not offered'));
      });
      assert.ok((await told) instanceof Error);
      socket.destroy();
      recorder.call(() => recorder.wire.destroy());
      await accepting.listener.close();
    });
  }

  test('gives up on a handshake that does not come to an end, or does not begin', LIMIT, async () => {
    const accepting = await listen({ handshakeTimeoutMs: 1 });
    for (const bytes of ['', '\x16\x03\x01']) {
      const socket = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
      socket.write(bytes);
      await new Promise((resolve) => socket.resume().on('close', resolve));
    }
    assert.deepEqual(accepting.refused, [
      ['ETIMEDOUT', HOST],
      ['ETIMEDOUT', HOST],
    ]);
    await accepting.listener.close();
  });

  test('turns away what does not speak TLS, and who leaves within the handshake', LIMIT, async () => {
    const accepting = await listen();
    for (const bytes of ['\x10\x0c\0\x04MQTT', 'GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01']) {
      const socket = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
      socket.end(bytes, 'latin1');
      await new Promise((resolve) => socket.resume().on('close', resolve));
    }
    assert.equal(accepting.refused.length, 3);
    assert.equal(accepting.wires.length, 0);
    await accepting.listener.close();
  });

  test(
    'begins no more handshakes at once than it may, and drops those for whom there is no place to wait',
    LIMIT,
    async () => {
      const accepting = await listen({ handshakesMax: 1, backlog: 2 });
      const stalled = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
      stalled.write(await clientHello());
      await once(stalled, 'connect');
      const clients = Array.from({ length: 3 }, () => connect(accepting).catch((error) => error.code));
      const wires = await Promise.all([accepting.next(), accepting.next()]);
      const outcomes = await Promise.all(clients);
      assert.equal(outcomes.filter((wire) => wire === 'ECONNRESET').length, 1);
      assert.deepEqual(accepting.refused, [['DUNLIN_HANDSHAKES_WAITING', HOST]]);
      for (const wire of [...wires, ...outcomes]) if (typeof wire !== 'string') wire.destroy();
      stalled.destroy();
      await accepting.listener.close();
    },
  );
});

test(
  'a TLS listener asks whether an address is welcome before the handshake, and bounds who waits for one',
  LIMIT,
  async () => {
    const unwelcoming = await listen({ isWelcome: () => false });
    await assert.rejects(connect(unwelcoming));
    assert.deepEqual([unwelcoming.wires, unwelcoming.refused], [[], []]);
    await unwelcoming.listener.close();
    const accepting = await listen({ waitingMax: 2 });
    const idle = [1, 2].map(() => net.connect({ host: HOST, port: accepting.listener.port }));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    await assert.rejects(connect(accepting));
    assert.match(String(accepting.errors), /DUNLIN_WAITING_MAX/);
    for (const socket of idle) socket.destroy();
    for (;;) {
      const wire = await connect(accepting).catch(() => undefined);
      if (wire === undefined) continue;
      (await accepting.next()).destroy();
      wire.destroy();
      break;
    }
    await accepting.listener.close();
  },
);

/** The first record of a TLS client. */
async function clientHello(): Promise<Buffer> {
  const told = Promise.withResolvers<Buffer>();
  const socket = new Duplex({ read: () => {}, write: (chunk: Buffer) => told.resolve(chunk) });
  tls.connect({ socket, rejectUnauthorized: false }).on('error', () => {});
  return await told.promise;
}

test('the beginning of a ClientHello takes no place among the handshakes, nor does what is none', LIMIT, async () => {
  const accepting = await listen({ handshakesMax: 1, backlog: 1 });
  const hello = await clientHello();
  const idle = [hello.subarray(0, 1), hello.subarray(0, 6), hello.subarray(0, -1)].map((bytes) => {
    const socket = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
    socket.write(bytes);
    return socket;
  });
  const other = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
  other.write('\x10');
  await once(other.resume(), 'close');
  assert.deepEqual(accepting.refused, [['ERR_SSL_WRONG_VERSION_NUMBER', HOST]]);
  const [client, wire] = await Promise.all([connect(accepting), accepting.next()]);
  assert.equal(accepting.refused.length, 1);
  for (const each of [client, wire, ...idle]) each.destroy();
  await accepting.listener.close();
});

describe('connecting over TLS', () => {
  test('believes no server by another authority, for another name, or too old', LIMIT, async () => {
    const accepting = await listen();
    await assert.rejects(connect(accepting, { authorities: [foreign.pem] }), { name: 'TransportError' });
    await assert.rejects(connect(accepting, { serverName: 'other.example' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    accepting.listener.update({ credentials: [ours.issue({ hosts: [HOST], fromDays: -2, untilDays: -1 })] });
    await assert.rejects(connect(accepting), { code: 'CERT_HAS_EXPIRED' });
    const careless = await connect(accepting, { verify: false });
    careless.destroy();
    await accepting.listener.close();
  });

  test('says that nothing listens, and gives up when aborted', LIMIT, async () => {
    const accepting = await listen();
    const { port } = accepting.listener;
    const reason = new Error('no longer wanted');
    await assert.rejects(connect(accepting, { signal: AbortSignal.abort(reason) }), reason);
    await accepting.listener.close();
    await assert.rejects(connect(accepting), {
      code: 'ECONNREFUSED',
      message: `Cannot connect to "${HOST}:${port}": nothing listens there (ECONNREFUSED)`,
    });
  });
});

describe('mosquitto_pub', () => {
  const trusted = file('ca.pem', ours.pem);
  const attempt = (accepting: Accepting<TlsListener>, name?: string, { certificate, key } = player) =>
    run(
      'mosquitto_pub',
      '-h',
      HOST,
      '-p',
      String(accepting.listener.port),
      '-t',
      'a',
      '-m',
      'b',
      '--cafile',
      trusted,
      ...(name === undefined ? [] : ['--cert', file(`${name}.pem`, certificate), '--key', file(`${name}.key`, key)]),
    );

  test(
    'comes with its certificate, is told of one that MQTT refuses, and hears of the others in TLS',
    LIMIT,
    async () => {
      const accepting = await listen({ tls: { clientCertificate: 'required' } });
      const old = ours.issue({ name: 'old', fromDays: -2, untilDays: -1 });
      const publishing = attempt(accepting, 'old', old);
      const wire = await accepting.next();
      const recorder = Recorder.open(wire);
      await recorder.until(() => recorder.receivedBytes > 0);
      recorder.call(() => wire.write(Buffer.from([0x20, 2, 0, 5])));
      recorder.call(() => wire.close());
      const { status, said } = await publishing;
      assert.match(said, /Connection Refused: not authori[sz]ed/i);
      assert.equal(status, 5);
      assert.match(
        (await attempt(accepting)).said,
        /certificate required|handshake failure|Protocol error|connection was lost/i,
      );
      assert.notEqual((await attempt(accepting, 'foreign', foreign.issue())).status, 0);
      assert.deepEqual(
        accepting.refused.map(([code]) => code),
        ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'CERT_SIGNATURE_FAILURE'],
      );
      await accepting.listener.close();
    },
  );
});

/** The name in the certificate that the listener shows. */
async function seenName(accepting: Accepting<TlsListener>): Promise<string> {
  const socket = tls.connect({ host: HOST, port: accepting.listener.port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const name = socket.getPeerCertificate().subject.CN as string;
  (await accepting.next()).destroy();
  socket.destroy();
  return name;
}

/** A connection of the player: whether its session was resumed, and a session to go on with. */
async function talk(
  accepting: Accepting<TlsListener>,
  version: 'TLSv1.2' | 'TLSv1.3',
  session?: Buffer,
): Promise<{ reused: boolean; certificates: number; session: Buffer }> {
  const options = { ...credential(player), rejectUnauthorized: false, minVersion: version, maxVersion: version };
  const socket = tls.connect({ host: HOST, port: accepting.listener.port, ...options, ...(session && { session }) });
  const next = once(socket, 'session');
  await once(socket, 'secureConnect');
  const wire = await accepting.next();
  const certificates = wire.peer.certificates?.length ?? 0;
  wire.write(Buffer.from('.'));
  const reused = socket.isSessionReused();
  socket.resume();
  const fresh = reused ? (session as Buffer) : ((await next)[0] as Buffer);
  socket.destroy();
  wire.destroy();
  return { reused, certificates, session: fresh };
}
