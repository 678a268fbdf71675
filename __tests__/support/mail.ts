/** A mail server of its own for a test file, empty and friendly at the beginning of each test. */
import {
  type MailServer,
  type MailServerOptions,
  startMailServer,
} from '../../demo-app/development/mail-server.js';

/** How long an email may take, in ms, on however busy a machine. */
const PATIENCE = 60_000;

/**
 * Called at the top of a test file. What it gives is there from the first `beforeAll` of the file on.
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
    if (!server) throw new Error('useMailServer() gives nothing before the tests begin.');
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
    /** The code in the newest mail to an address; waits for one if there is none. */
    async lastCode(to: string): Promise<string> {
      const { text } = await started().waitForMessage((mail) => mail.envelope.to.includes(to), PATIENCE);
      const code = /\b\d{6,10}\b/.exec(text)?.[0];
      if (!code) throw new Error(`No code in the mail to ${to}:\n${text}`);
      return code;
    },
  };
}
