/** A mail server for one test file, empty and accepting everything at the start of each test. */
import { type MailServer, type MailServerOptions, startMailServer } from '../../demo-app/dev/mail-server.js';

/** How long an email may take, in ms, on however busy a machine. */
const EMAIL_TIMEOUT = 60_000;

/**
 * Call it at the top of a test file. Its result can be used from the file's first `beforeAll` on.
 *
 * @example
 * const mail = useMailServer();
 * const code = await mail.lastCode('minji@example.com');
 */
export function useMailServer(options: MailServerOptions = {}) {
  let server: MailServer | undefined;

  beforeAll(async () => {
    server = await startMailServer(options);
  });

  beforeEach(() => {
    server?.clear();
    server?.respondWith(options.respond);
  });

  afterAll(() => server?.close());

  const started = () => {
    if (!server) throw new Error('useMailServer() has no value before the tests begin.');
    return server;
  };

  return {
    get server() {
      return started();
    },
    get url() {
      return started().url;
    },
    get messages() {
      return started().messages;
    },
    clear: () => started().clear(),
    /** The code in the newest email to an address; waits for one if there is none. */
    async lastCode(to: string): Promise<string> {
      const { text } = await started().waitForMessage(
        (message) => message.envelope.to.includes(to),
        EMAIL_TIMEOUT,
      );
      const code = /\b\d{6,10}\b/.exec(text)?.[0];
      if (!code) throw new Error(`No code in the email to ${to}:\n${text}`);
      return code;
    },
  };
}
