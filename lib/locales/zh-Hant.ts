import { builtIn, durationsIn, type Locale } from './locale.js';

const durations = durationsIn('zh-Hant');

export const zhHant: Locale = builtIn({
  tag: 'zh-Hant',
  dir: 'ltr',
  answers: {
    sent: '驗證碼已寄出，請至信箱查收。',
    verified: '您的電子郵件地址已完成驗證。',
    invalid_request: '請檢查您輸入的內容。',
    refused: '此要求已遭拒絕。',
    captcha: '請先確認您不是機器人，然後再試一次。',
    too_many_requests: (seconds) => `要求次數過多，請在 ${durations.wait(seconds)}後再試一次。`,
    delivery_failed: '郵件無法寄出，請稍後再試。',
    recipient_refused: '郵件無法送達，請檢查電子郵件地址後再試一次。',
    delivery_unknown: '郵件可能會晚一點送達，收到後即可使用其中的驗證碼。',
    unavailable: '目前無法使用這項服務，請稍後再試。',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0 ? '驗證碼錯誤，請重新取得驗證碼。' : `驗證碼錯誤，您還可以再試 ${attemptsLeft} 次。`,
    code_expired: '驗證碼已失效，請重新取得驗證碼。',
    code_outdated: '這是先前郵件中的驗證碼，請輸入最新一封郵件中的驗證碼。',
    email_not_verified: '請先驗證您的電子郵件地址。',
  },
  fields: {
    body: '無法讀取要求，請以 JSON 或表單格式傳送。',
    email: '請輸入有效的電子郵件地址。',
    emailNotString: 'email 必須是字串。',
    code: (length) => `請輸入 ${length} 位數驗證碼。`,
    letterCode: '請輸入 8 個字母的驗證碼。',
    codeNotString: 'code 必須是字串。',
    challengeId: 'challengeId 必須是字串。',
    locale: 'locale 必須是字串。',
  },
  mail: {
    subject: (appName) => `【${appName}】電子郵件驗證碼`,
    subjectWithCode: (appName, code) => `【${appName}】驗證碼：${code}`,
    preview: (appName) => `請在 ${appName} 輸入驗證碼，以完成電子郵件驗證。`,
    heading: '驗證您的電子郵件地址',
    instruction: (appName) => `請在 ${appName} 輸入以下驗證碼：`,
    expiry: (seconds) => `此驗證碼將於 ${durations.exact(seconds)}後失效，且僅限使用一次。`,
    requestedFor: (email) => `此驗證碼用於驗證電子郵件地址 ${email}。`,
    ignore: '如果您未要求驗證碼，請忽略此郵件。請勿將驗證碼提供給任何人。',
  },
});
