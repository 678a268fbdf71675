/** Everything that the package exports. */

export { normalizeEmail } from './challenge/address.js';
export type { GuessBound } from './challenge/guess-bound.js';
export type { CheckOutcome, EmailVerification } from './email-verification.js';
export { createEmailVerification } from './email-verification.js';
export type {
  AddressEvent,
  CodeExpiredEvent,
  EmailEvent,
  EmailVerificationEvents,
  EventName,
  LimitedEvent,
  Listener,
  OperationEvent,
  ProofRefusedEvent,
  SendEvent,
} from './events.js';
export type { Reason, Refusal } from './http/answer.js';
export type {
  OpenApiDocument,
  OpenApiExample,
  OpenApiMediaType,
  OpenApiOperation,
  OpenApiRead,
  OpenApiReference,
  OpenApiResponse,
  OpenApiSchema,
} from './http/openapi/document.js';
export { openapi } from './http/openapi/openapi.js';
export type { RequireVerifiedEmailOptions } from './http/require-verified-email.js';
export { requireVerifiedEmail } from './http/require-verified-email.js';
export type { OnRefused, RefusalOptions } from './http/respond.js';
export { emailVerificationRouter } from './http/router.js';
export type { RespondableOutcome } from './http/to-response.js';
export { toResponse } from './http/to-response.js';
export { en } from './locales/en.js';
export { ko } from './locales/ko.js';
export type { Durations, Locale, PartialLocale, PluralForms } from './locales/locale.js';
export { durationsIn, pluralsIn } from './locales/locale.js';
export type { BrandOptions } from './mail/brand.js';
export type { DeliveryError } from './mail/delivery-error.js';
export type { EnqueueOutcome, JobQueue, QueuedEmail } from './mail/job-queue.js';
export type { CustomDelivery, CustomDeliveryOptions, Mail } from './mail/mailer.js';
export type { Notice } from './mail/notice.js';
export { noticeTemplate } from './mail/notice.js';
export type { MailContent, Template, TemplateInput, TemplateOptions } from './mail/template.js';
export { defaultTemplate } from './mail/template.js';
export type { TransporterLike, TransportOption, TransportsOption } from './mail/transport/transport.js';
export type { BeforeSend, SendAttempt, SendInWords, SendVerdict } from './operations/before-send.js';
export type {
  BrowserProof,
  Nonce,
  PresentedProof,
  ProofVerdict,
  Proven,
} from './operations/browser-proof.js';
export type { Unavailable } from './operations/context.js';
export type { FieldError, InvalidRequest } from './operations/input.js';
export type { Redeemed, RedeemInput, RedeemOutcome, ReleaseOutcome } from './operations/redeem.js';
export type { SendInput, SendOutcome, TooManyRequests } from './operations/send.js';
export type { ForgetOutcome, Status, StatusOutcome, SupportInput } from './operations/support.js';
export type { VerifyInput, VerifyOutcome } from './operations/verify.js';
export type { FixedCode } from './options/fixed-codes.js';
export { guessBound } from './options/guess-bound.js';
export type { EmailVerificationOptions, StrengthOptions } from './options/options.js';
export type { ClientLimitOption } from './options/rate-limit.js';
export type { Sender, SendLimit } from './options/rules.js';
export type { CommonOptions, PurposeOptions } from './purposes.js';
export { createEmailVerifications } from './purposes.js';
export type { MemoryStoreOptions } from './store/memory-store.js';
export { MemoryStore } from './store/memory-store.js';
export type { RedisClient } from './store/redis/client.js';
export type { IoredisClient } from './store/redis/ioredis.js';
export type { RedisStoreOptions } from './store/redis/redis-store.js';
export { RedisStore } from './store/redis/redis-store.js';
export type * from './store/store.js';
