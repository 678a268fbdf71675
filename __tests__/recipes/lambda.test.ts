import { MemoryStore } from 'express-email-verification';
import { createHandler } from '../../demo-app/recipes/lambda.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();

it('has sent the email when it responds, and signs a person up', async () => {
  const handler = createHandler({
    store: new MemoryStore(),
    transport: mail.url,
    from: FROM,
    secret: SECRET,
    rateLimit: { send: { limit: 1 } },
  });
  /** As a payload of an API Gateway, in format 2.0. */
  async function post(rawPath: string, body: object, sourceIp = '203.0.113.1') {
    const response = await handler(
      {
        version: '2.0',
        rawPath,
        rawQueryString: '',
        headers: { 'content-type': 'application/json', host: 'acme.example' },
        requestContext: { http: { method: 'POST', path: rawPath, sourceIp, protocol: 'HTTP/1.1' } },
        body: JSON.stringify(body),
        isBase64Encoded: false,
      },
      {},
    );
    const { statusCode, body: text } = response as { statusCode: number; body: string };
    return { status: statusCode, body: JSON.parse(text) };
  }

  const email = 'minji@example.com';
  const sent = await post('/email-verification/send', { email });
  expect(sent.status).toBe(200);
  expect(mail.messages).toHaveLength(1);
  const code = await mail.lastCode(email);
  const { challengeId } = sent.body;
  const verified = await post('/email-verification/verify', { email, code, challengeId });
  const { verificationToken } = verified.body;
  expect(await post('/signup', { email, verificationToken })).toEqual({ status: 201, body: { email } });

  // The gateway says who the client is.
  const [same, another] = ['203.0.113.1', '203.0.113.2'];
  expect((await post('/email-verification/send', { email: 'jun@example.com' }, same)).status).toBe(429);
  expect((await post('/email-verification/send', { email: 'jun@example.com' }, another)).status).toBe(200);
});
