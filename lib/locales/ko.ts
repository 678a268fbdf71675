import { builtIn, durationsIn, type Locale } from './locale.js';

const durations = durationsIn('ko');

export const ko: Locale = builtIn({
  tag: 'ko',
  dir: 'ltr',
  answers: {
    sent: '인증번호를 보냈습니다. 메일함을 확인해 주세요.',
    verified: '이메일 주소가 인증되었습니다.',
    invalid_request: '입력한 내용을 다시 확인해 주세요.',
    refused: '요청이 거부되었습니다.',
    captcha: '로봇이 아님을 확인한 뒤 다시 시도해 주세요.',
    too_many_requests: (seconds) =>
      `요청이 너무 많습니다. ${durations.wait(seconds)} 후에 다시 시도해 주세요.`,
    delivery_failed: '메일을 보내지 못했습니다. 잠시 후 다시 시도해 주세요.',
    recipient_refused: '메일을 보내지 못했습니다. 주소를 확인하고 다시 시도해 주세요.',
    delivery_unknown: '메일 도착이 조금 늦어질 수 있습니다. 도착하면 그 인증번호를 쓸 수 있습니다.',
    unavailable: '지금은 서비스를 이용할 수 없습니다. 잠시 후 다시 시도해 주세요.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? '인증번호가 올바르지 않습니다. 새 인증번호를 요청해 주세요.'
        : `인증번호가 올바르지 않습니다. ${attemptsLeft}번 더 시도할 수 있습니다.`,
    code_expired: '더 이상 쓸 수 없는 인증번호입니다. 새 인증번호를 요청해 주세요.',
    code_outdated: '이전 이메일의 인증번호입니다. 가장 최근에 받은 이메일의 인증번호를 입력해 주세요.',
    email_not_verified: '먼저 이메일 주소를 인증해 주세요.',
  },
  fields: {
    body: '요청을 읽을 수 없습니다. JSON 또는 폼으로 보내 주세요.',
    email: '올바른 이메일 주소를 입력해 주세요.',
    emailNotString: 'email은 문자열이어야 합니다.',
    code: (length) => `인증번호 ${length}자리를 입력해 주세요.`,
    letterCode: '영문 8자로 된 인증번호를 입력해 주세요.',
    codeNotString: 'code는 문자열이어야 합니다.',
    challengeId: 'challengeId는 문자열이어야 합니다.',
    locale: 'locale은 문자열이어야 합니다.',
  },
  mail: {
    subject: (appName) => `${appName} 인증번호`,
    subjectWithCode: (appName, code) => `${code} - ${appName} 인증번호`,
    preview: (appName) => `${appName}에서 이메일 주소를 인증할 때 입력해 주세요.`,
    heading: '이메일 주소 인증',
    instruction: (appName) => `${appName}에서 계속하려면 아래 인증번호를 입력해 주세요.`,
    expiry: (seconds) => `이 인증번호는 ${durations.exact(seconds)} 후에 만료되며 한 번만 쓸 수 있습니다.`,
    requestedFor: (email) => `${email} 주소로 인증번호 요청이 접수되어 보내 드리는 메일입니다.`,
    ignore:
      '인증번호를 요청하신 적이 없다면 이 메일을 무시해 주세요. 인증번호는 다른 사람에게 알려 주지 마세요.',
  },
});
