/** Every mail in every language, as a page: what a person gets, before anybody gets it. For development only. */
import express, { type Router } from 'express';
import { createEmailVerification, type Mail, MemoryStore } from 'express-email-verification';
import type { ShowPage } from './pages/layout.js';
import { type Preview, previewPage } from './pages/previews.js';
import { allowMailFrames } from './security.js';
import { takenMail } from './taken-mail.js';
import { languages, wordsOf } from './words/index.js';

export function previewRouter(showPage: ShowPage, options: { appName: string; origin: string }): Router {
  const router = express.Router();
  let previews: Promise<readonly Preview[]> | undefined;
  router.get('/', allowMailFrames, async (req, res) => {
    previews ??= writeMails(options);
    showPage(req, res, previewPage(wordsOf(req), await previews));
  });
  return router;
}

/** Writes each mail as it would go out, by a delivery that keeps it. */
async function writeMails({ appName, origin }: { appName: string; origin: string }): Promise<Preview[]> {
  const written: Mail[] = [];
  const verification = createEmailVerification({
    appName,
    origin,
    store: new MemoryStore(),
    from: 'hello@acme.example',
    secret: 'for mails that nobody gets, nothing to keep',
    transport: 'smtp://localhost',
    delivery: async (mail) => void written.push(mail),
    rateLimit: { send: false },
  });
  const previews: Preview[] = [];
  for (const language of languages) {
    await verification.send({ email: `${language.tag}@example.com`, locale: language.tag });
    const code = written.at(-1);
    if (code) previews.push({ kind: 'code', language, mail: code });
    previews.push({ kind: 'taken', language, mail: takenMail(language, origin) });
  }
  return previews;
}
