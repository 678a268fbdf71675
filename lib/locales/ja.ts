import { builtIn, durationsIn, type Locale } from './locale.js';

/** `Intl` puts a space between the number and the unit. Japanese software does not. */
const durations = durationsIn('ja', {
  second: (count) => `${count}秒`,
  minute: (count) => `${count}分`,
  hour: (count) => `${count}時間`,
});

export const ja: Locale = builtIn({
  tag: 'ja',
  dir: 'ltr',
  answers: {
    sent: '確認コードを送信しました。メールをご確認ください。',
    verified: 'メールアドレスの確認が完了しました。',
    invalid_request: '入力内容をご確認ください。',
    refused: 'このリクエストは受け付けられませんでした。',
    captcha: 'ロボットではないことを確認してから、もう一度お試しください。',
    too_many_requests: (seconds) =>
      `リクエスト回数の上限に達しました。${durations.wait(seconds)}後にもう一度お試しください。`,
    delivery_failed: 'メールを送信できませんでした。しばらくしてからもう一度お試しください。',
    recipient_refused: 'メールを送信できませんでした。メールアドレスをご確認のうえ、もう一度お試しください。',
    delivery_unknown:
      'メールの到着が少し遅れる場合があります。届いたメールの確認コードはご利用いただけます。',
    unavailable: '現在、サービスをご利用いただけません。しばらくしてからもう一度お試しください。',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? '確認コードが正しくありません。新しい確認コードをリクエストしてください。'
        : `確認コードが正しくありません。あと${attemptsLeft}回入力できます。`,
    code_expired: 'この確認コードは無効になりました。新しい確認コードをリクエストしてください。',
    code_outdated: '以前のメールの確認コードです。最新のメールに記載されている確認コードを入力してください。',
    email_not_verified: '先にメールアドレスの確認を完了してください。',
  },
  fields: {
    body: 'リクエストを読み取れませんでした。JSON またはフォームで送信してください。',
    email: '有効なメールアドレスを入力してください。',
    emailNotString: 'email は文字列で指定してください。',
    code: (length) => `${length}桁の確認コードを入力してください。`,
    letterCode: '英字8文字の確認コードを入力してください。',
    codeNotString: 'code は文字列で指定してください。',
    challengeId: 'challengeId は文字列で指定してください。',
    locale: 'locale は文字列で指定してください。',
  },
  mail: {
    subject: (appName) => `【${appName}】確認コードのお知らせ`,
    subjectWithCode: (appName, code) => `【${appName}】確認コード：${code}`,
    preview: (appName) => `メールアドレスを確認するため、${appName}の画面に確認コードを入力してください。`,
    heading: 'メールアドレスの確認',
    instruction: (appName) => `${appName}の画面に次の確認コードを入力してください。`,
    expiry: (seconds) =>
      `この確認コードは${durations.exact(seconds)}後に無効になります。使用できるのは一度だけです。`,
    requestedFor: (email) => `この確認コードは、${email} の確認用にリクエストされたものです。`,
    ignore: 'お心当たりのない場合は、このメールを無視してください。確認コードは誰にも教えないでください。',
  },
});
