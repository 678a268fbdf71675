import { builtIn, durationsIn, type Locale, pluralsIn } from './locale.js';

const plural = pluralsIn('ar');

/** `Intl` has the nominative. After "بعد", Arabic has the genitive, which differs in the dual. */
const durations = durationsIn('ar', {
  second: (count) =>
    plural(count, {
      one: 'ثانية واحدة',
      two: 'ثانيتين',
      few: `${count} ثوانٍ`,
      other: `${count} ثانية`,
    }),
  minute: (count) =>
    plural(count, {
      one: 'دقيقة واحدة',
      two: 'دقيقتين',
      few: `${count} دقائق`,
      other: `${count} دقيقة`,
    }),
  hour: (count) =>
    plural(count, {
      one: 'ساعة واحدة',
      two: 'ساعتين',
      few: `${count} ساعات`,
      other: `${count} ساعة`,
    }),
});

export const ar: Locale = builtIn({
  tag: 'ar',
  dir: 'rtl',
  answers: {
    sent: 'أرسلنا إليك رمزًا. يُرجى تفقُّد بريدك الإلكتروني.',
    verified: 'تم التحقق من عنوان بريدك الإلكتروني.',
    invalid_request: 'يُرجى مراجعة البيانات المُدخلة.',
    refused: 'تم رفض هذا الطلب.',
    captcha: 'يُرجى تأكيد أنك لست روبوتًا، ثم المحاولة مرة أخرى.',
    too_many_requests: (seconds) =>
      `لقد أرسلت طلبات كثيرة. يُرجى المحاولة مرة أخرى بعد ${durations.wait(seconds)}.`,
    delivery_failed: 'تعذّر إرسال الرسالة. يُرجى المحاولة مرة أخرى لاحقًا.',
    recipient_refused: 'تعذّر تسليم الرسالة. يُرجى التأكد من العنوان والمحاولة مرة أخرى.',
    delivery_unknown: 'قد تتأخر الرسالة قليلًا. إذا وصلت، فسيكون الرمز الوارد فيها صالحًا.',
    unavailable: 'الخدمة غير متاحة حاليًا. يُرجى المحاولة مرة أخرى بعد قليل.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'الرمز غير صحيح. يُرجى طلب رمز جديد.'
        : `الرمز غير صحيح. تبقّت لك ${plural(attemptsLeft, {
            one: 'محاولة واحدة',
            two: 'محاولتان',
            few: `${attemptsLeft} محاولات`,
            other: `${attemptsLeft} محاولة`,
          })}.`,
    code_expired: 'لم يعد هذا الرمز صالحًا. يُرجى طلب رمز جديد.',
    code_outdated: 'هذا الرمز من رسالة سابقة. يُرجى إدخال الرمز الوارد في أحدث رسالة.',
    email_not_verified: 'يُرجى التحقق من عنوان بريدك الإلكتروني أولًا.',
  },
  fields: {
    body: 'تعذّرت قراءة الطلب. يُرجى إرسال JSON أو نموذج.',
    email: 'يُرجى إدخال عنوان بريد إلكتروني صالح.',
    emailNotString: 'يجب أن يكون الحقل email سلسلة نصية.',
    code: (length) =>
      `يُرجى إدخال الرمز المكوّن من ${plural(length, { few: `${length} أرقام`, other: `${length} رقمًا` })}.`,
    letterCode: 'يُرجى إدخال الرمز المكوّن من 8 أحرف.',
    codeNotString: 'يجب أن يكون الحقل code سلسلة نصية.',
    challengeId: 'يجب أن يكون الحقل challengeId سلسلة نصية.',
    locale: 'يجب أن يكون الحقل locale سلسلة نصية.',
  },
  mail: {
    subject: (appName) => `رمز التحقق الخاص بك في ${appName}`,
    // The mark makes the line read from right to left, although a code may begin with a Latin letter (UAX #9, rule P2).
    subjectWithCode: (appName, code) => `\u200f${code} هو رمز التحقق الخاص بك في ${appName}`,
    preview: (appName) => `أدخل الرمز للتحقق من عنوان بريدك الإلكتروني في ${appName}.`,
    heading: 'التحقق من عنوان بريدك الإلكتروني',
    instruction: (appName) => `أدخل هذا الرمز للمتابعة في ${appName}:`,
    expiry: (seconds) =>
      `تنتهي صلاحية هذا الرمز بعد ${durations.exact(seconds)}، ويمكن استخدامه مرة واحدة فقط.`,
    requestedFor: (email) => `تم طلب هذا الرمز لعنوان البريد الإلكتروني ${email}.`,
    ignore: 'إذا لم تطلب هذا الرمز، فيمكنك تجاهل هذه الرسالة. لا تشارك الرمز مع أي شخص.',
  },
});
