/** Routes for support staff: they show why a person gets no code, and let that person begin again. */

import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import type { EmailVerification } from 'express-email-verification';

/**
 * Mount it on a path of your admin pages. The addresses are in bodies, because URLs end up in logs.
 *
 * @param staffOnly your own guard, which responds to everybody else. It must come first: whoever reaches these routes can
 * lift the limits of any mailbox.
 * @param log is called with the request of each unblocking, so that you can see who did it.
 */
export function createSupportRouter(
  verification: EmailVerification,
  staffOnly: RequestHandler,
  log: (req: Request) => void,
): Router {
  const router = express.Router();
  router.use(staffOnly, express.json());

  router.post('/status', (req, res, next) => {
    verification.status({ email: req.body?.email }).then((outcome) => respond(res, outcome), next);
  });

  router.post('/unblock', (req, res, next) => {
    log(req);
    verification.forget({ email: req.body?.email }).then((outcome) => respond(res, outcome), next);
  });

  return router;
}

const STATUS = { status: 200, forgotten: 200, invalid_request: 400, unavailable: 503 } as const;

function respond(res: Response, outcome: { readonly kind: keyof typeof STATUS }): void {
  res.status(STATUS[outcome.kind]).set('Cache-Control', 'no-store').json(outcome);
}
