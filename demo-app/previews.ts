/** A page with every email in every language, so that it can be checked before it is sent. For development only. */
import express, { type Router } from 'express';
import { createEmailVerification, type Mail, MemoryStore } from 'express-email-verification';
import { existingAccountMessage } from './existing-account.js';
import { languages, translationOf } from './locales/index.js';
import type { ShowPage } from './pages/layout.js';
import { type Preview, previewPage } from './pages/previews.js';
import { allowInlineStyles } from './security.js';

export function previewRouter(showPage: ShowPage, options: { appName: string; origin: string }): Router {
  const router = express.Router();
  let previews: Promise<readonly Preview[]> | undefined;
  router.get('/', allowInlineStyles, async (req, res) => {
    previews ??= createPreviews(options);
    showPage(req, res, previewPage(translationOf(req), await previews));
  });
  return router;
}

/** Renders each email exactly as it would be sent, with a delivery function that only collects them. */
async function createPreviews({ appName, origin }: { appName: string; origin: string }): Promise<Preview[]> {
  const sent: Mail[] = [];
  const verification = createEmailVerification({
    appName,
    origin,
    store: new MemoryStore(),
    from: 'hello@acme.example',
    secret: 'not a secret: these emails are never sent',
    transport: 'smtp://localhost',
    delivery: async (message) => void sent.push(message),
    rateLimit: { send: false },
  });
  const previews: Preview[] = [];
  for (const language of languages) {
    await verification.send({ email: `${language.tag}@example.com`, locale: language.tag });
    const message = sent.at(-1);
    if (message) previews.push({ kind: 'code', language, message });
    previews.push({ kind: 'existingAccount', language, message: existingAccountMessage(language, origin) });
  }
  return previews;
}
