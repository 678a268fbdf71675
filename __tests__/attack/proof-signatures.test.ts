/** What evp() loads, and its verdicts on signatures, which are those of jose. Each in a process of its own. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '../..');

it('the main entry loads nothing of it, and it loads no library', () => {
  const script = `
    const loaded = () => Object.keys(require.cache);
    require('./lib/index.ts');
    const main = loaded().filter((file) => /lib.evp./.test(file));
    const before = new Set(loaded());
    require('./lib/evp/evp.ts');
    console.log(JSON.stringify([main, loaded().filter((file) => !before.has(file) && /node_modules/.test(file))]));`;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(JSON.parse(output)).toEqual([[], []]);
});

/**
 * jose is a module, which Jest loads only on newer versions of Node, so both run in a process of their own. Each token is signed
 * as it should be, then altered in one place.
 */
it('accepts the signatures that jose accepts, and no other', () => {
  const script = `
    const { generateKeyPairSync, sign } = require('node:crypto');
    const { parseJwt, publicKeyIn, verifyJwt } = require('./lib/evp/jwt.ts');
    (async () => {
    const { importJWK, jwtVerify } = await import('jose');
    const encode = (value) => Buffer.from(value).toString('base64url');
    const pairs = {
      EdDSA: generateKeyPairSync('ed25519'), Ed25519: generateKeyPairSync('ed25519'),
      ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    };
    const keys = { ...pairs, P384: generateKeyPairSync('ec', { namedCurve: 'P-384' }), RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }) };
    const headers = ['{}', '{"crit":["x"],"x":1}', '{"crit":[]}', '{"b64":false,"crit":["b64"]}', '[]', 'null', '{'];
    const tokens = [];
    for (const [alg, { privateKey: key }] of Object.entries(pairs)) {
      for (const more of headers) {
        const header = more.startsWith('{') && more.endsWith('}') ? JSON.stringify({ alg, ...JSON.parse(more) }) : more;
        const signed = encode(header) + '.' + encode('{"email":"a@b.co"}');
        const signature = sign(alg === 'ES256' ? 'sha256' : null, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
        tokens.push(signed + '.' + encode(signature));
        if (alg === 'ES256') tokens.push(signed + '.' + encode(sign('sha256', Buffer.from(signed), key)));
        for (const cut of [0, 1, 32, 63]) tokens.push(signed + '.' + encode(signature.subarray(0, cut)));
        for (const other of ['none', 'HS256', 'ES384', 'RS256', 'ES256', 'EdDSA'])
          tokens.push(encode(JSON.stringify({ alg: other })) + signed.slice(signed.indexOf('.')) + '.' + encode(signature));
      }
    }
    const [first] = tokens;
    for (let place = 0; place < first.length; place += 1)
      tokens.push(first.slice(0, place) + (first[place] === 'A' ? 'B' : 'A') + first.slice(place + 1));
    const differences = [];
    let accepted = 0;
    for (const token of tokens) {
      for (const [name, { publicKey }] of Object.entries(keys)) {
        const jwk = publicKey.export({ format: 'jwk' });
        const parsed = parseJwt(token);
        const ours = parsed !== undefined && verifyJwt(parsed, publicKeyIn(jwk));
        const theirs = await (async () => {
          const { alg } = JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString());
          await jwtVerify(token, await importJWK(jwk, alg), { algorithms: ['EdDSA', 'Ed25519', 'ES256'] });
          return true;
        })().catch(() => false);
        accepted += ours ? 1 : 0;
        if (ours !== theirs) differences.push([name, token, ours, theirs]);
      }
    }
    console.log(JSON.stringify({ differences, accepted, tokens: tokens.length }));
    })();`;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  const { differences, accepted, tokens } = JSON.parse(output);
  expect(differences).toEqual([]);
  expect(accepted).toBeGreaterThan(3);
  expect(tokens).toBeGreaterThan(200);
});
