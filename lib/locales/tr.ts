import { builtIn, durationsIn, type Locale } from './locale.js';

const durations = durationsIn('tr');

/** Words such as "için" and "ile" follow the app's name, because a suffix would depend on its vowels. */
export const tr: Locale = builtIn({
  tag: 'tr',
  dir: 'ltr',
  answers: {
    sent: 'Size bir kod gönderdik. Lütfen e-postanızı kontrol edin.',
    verified: 'E-posta adresiniz doğrulandı.',
    invalid_request: 'Lütfen girdiğiniz bilgileri kontrol edin.',
    refused: 'Bu istek reddedildi.',
    captcha: 'Lütfen robot olmadığınızı doğrulayıp tekrar deneyin.',
    too_many_requests: (seconds) =>
      `Çok fazla istek gönderildi. Lütfen ${durations.wait(seconds)} sonra tekrar deneyin.`,
    delivery_failed: 'E-posta gönderilemedi. Lütfen daha sonra tekrar deneyin.',
    recipient_refused: 'E-posta teslim edilemedi. Lütfen adresi kontrol edip tekrar deneyin.',
    delivery_unknown: 'E-posta biraz gecikebilir. Size ulaşırsa içindeki kodu kullanabilirsiniz.',
    unavailable: 'Hizmet şu anda kullanılamıyor. Lütfen biraz sonra tekrar deneyin.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'Kod yanlış. Lütfen yeni bir kod isteyin.'
        : `Kod yanlış. ${attemptsLeft} deneme hakkınız kaldı.`,
    code_expired: 'Bu kod artık geçerli değil. Lütfen yeni bir kod isteyin.',
    code_outdated: 'Bu kod önceki bir e-postaya ait. Lütfen en son e-postadaki kodu girin.',
    email_not_verified: 'Lütfen önce e-posta adresinizi doğrulayın.',
  },
  fields: {
    body: 'İstek okunamadı. Lütfen JSON veya form olarak gönderin.',
    email: 'Lütfen geçerli bir e-posta adresi girin.',
    emailNotString: 'email alanı bir dize olmalıdır.',
    code: (length) => `Lütfen ${length} haneli kodu girin.`,
    letterCode: 'Lütfen 8 harfli kodu girin.',
    codeNotString: 'code alanı bir dize olmalıdır.',
    challengeId: 'challengeId alanı bir dize olmalıdır.',
    locale: 'locale alanı bir dize olmalıdır.',
  },
  mail: {
    subject: (appName) => `${appName} doğrulama kodunuz`,
    subjectWithCode: (appName, code) => `${appName} doğrulama kodunuz: ${code}`,
    preview: (appName) => `${appName} için e-posta adresinizi doğrulamak üzere kodu girin.`,
    heading: 'E-posta adresinizi doğrulayın',
    instruction: (appName) => `${appName} ile devam etmek için bu kodu girin:`,
    expiry: (seconds) =>
      `Bu kodun süresi ${durations.exact(seconds)} sonra dolacak. Kod yalnızca bir kez kullanılabilir.`,
    requestedFor: (email) => `Bu kod ${email} adresi için istendi.`,
    ignore: 'Bu kodu siz istemediyseniz bu e-postayı yok sayabilirsiniz. Kodu kimseyle paylaşmayın.',
  },
});
