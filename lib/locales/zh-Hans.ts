import { builtIn, durationsIn, type Locale } from './locale.js';

/** `Intl` writes 秒钟, which is for speech. */
const durations = durationsIn('zh-Hans', {
  second: (count) => `${count}秒`,
  minute: (count) => `${count}分钟`,
  hour: (count) => `${count}小时`,
});

export const zhHans: Locale = builtIn({
  tag: 'zh-Hans',
  dir: 'ltr',
  answers: {
    sent: '验证码已发送，请查收邮件。',
    verified: '您的邮箱已验证。',
    invalid_request: '请检查您输入的内容。',
    refused: '该请求已被拒绝。',
    captcha: '请先完成人机验证，然后重试。',
    too_many_requests: (seconds) => `操作过于频繁，请${durations.wait(seconds)}后再试。`,
    delivery_failed: '邮件发送失败，请稍后重试。',
    recipient_refused: '邮件无法送达，请检查邮箱地址后重试。',
    delivery_unknown: '邮件可能会延迟送达，收到后即可使用其中的验证码。',
    unavailable: '服务暂时不可用，请稍后重试。',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0 ? '验证码错误，请重新获取。' : `验证码错误，您还可以尝试${attemptsLeft}次。`,
    code_expired: '验证码已失效，请重新获取。',
    code_outdated: '这是之前邮件中的验证码，请输入最新一封邮件中的验证码。',
    email_not_verified: '请先验证您的邮箱。',
  },
  fields: {
    body: '无法读取请求，请以 JSON 或表单格式提交。',
    email: '请输入有效的邮箱地址。',
    emailNotString: 'email 必须是字符串。',
    code: (length) => `请输入${length}位验证码。`,
    letterCode: '请输入8位字母验证码。',
    codeNotString: 'code 必须是字符串。',
    challengeId: 'challengeId 必须是字符串。',
    locale: 'locale 必须是字符串。',
  },
  mail: {
    subject: (appName) => `【${appName}】邮箱验证码`,
    subjectWithCode: (appName, code) => `【${appName}】验证码：${code}`,
    preview: (appName) => `请在${appName}中输入验证码，完成邮箱验证。`,
    heading: '验证您的邮箱',
    instruction: (appName) => `请在${appName}中输入以下验证码：`,
    expiry: (seconds) => `此验证码将在${durations.exact(seconds)}后失效，仅可使用一次。`,
    requestedFor: (email) => `此验证码用于验证邮箱 ${email}。`,
    ignore: '如果不是您本人操作，请忽略此邮件。请勿将验证码告知他人。',
  },
});
