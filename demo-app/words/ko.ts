import { ko as own } from 'express-email-verification';
import type { Words } from './words.js';

export const ko: Words = {
  package: own,
  tag: 'ko',
  name: '한국어',
  skip: {
    form: '입력란으로 바로 가기',
    letter: '메일 내용으로 바로 가기',
    content: '본문으로 바로 가기',
  },
  language: '언어',
  nav: { signUp: '회원가입', signIn: '로그인', signOut: '로그아웃' },
  steps: { label: '진행 단계', names: ['이메일', '인증번호', '계정'] },
  address: {
    title: '계정 만들기',
    lead: '이메일로 받은 인증번호를 입력하면 주소가 인증됩니다.',
    label: '이메일 주소',
    button: '인증번호 받기',
    haveCode: '받은 인증번호가 있어요',
    haveAccount: '이미 계정이 있으신가요?',
  },
  code: {
    title: '메일함을 확인해 주세요',
    sentTo: ['', ' 주소로 인증번호를 보냈습니다.'],
    notSent: {
      title: '아직 새 인증번호가 없습니다',
      lead: [
        '이번에는 ',
        ' 주소로 메일을 보내지 않았습니다. 다시 받을 수 있을 때까지 기다리거나 다른 주소를 써 주세요.',
      ],
    },
    label: '인증번호',
    hint: '숫자 6자리',
    button: '인증하기',
    resend: '인증번호 다시 받기',
    resendIn: ['', ' 후에 다시 받을 수 있습니다.'],
    expiresIn: ['남은 유효 시간: ', ''],
    expired: '인증번호의 유효 시간이 지났습니다. 새 인증번호를 받아 주세요.',
    change: '다른 이메일 주소 쓰기',
    noMail: '메일이 오지 않았다면 스팸 메일함도 확인해 주세요.',
    inbox: '받은 메일함 열기',
  },
  account: {
    title: '이메일 주소가 인증되었습니다',
    lead: ['', ' 계정에 쓸 이름과 비밀번호를 정해 주세요.'],
    name: '이름',
    password: '비밀번호',
    passwordHint: '8자 이상. 여러 단어를 이어 쓰면 좋습니다.',
    button: '계정 만들기',
  },
  signIn: {
    title: '로그인',
    lead: '인증한 이메일 주소로 로그인해 주세요.',
    button: '로그인',
    noAccount: '아직 계정이 없으신가요?',
  },
  welcome: {
    title: (name) => `${name} 님, 환영합니다`,
    lead: (address) => `${address} 계정으로 로그인했습니다.`,
    tryAgain: '로그아웃한 뒤 다시 로그인하거나, 1분 뒤에 같은 주소로 가입을 시도해 보세요.',
  },
  problems: {
    prefix: '오류',
    enterCode: '이미 받은 인증번호가 있다면 아래에 입력할 수 있습니다.',
    expiredToken: '이메일을 인증한 지 시간이 많이 지났습니다. 다시 인증해 주세요.',
    name: '이름을 1~80자로 입력해 주세요.',
    password: '비밀번호를 8~200자로 입력해 주세요.',
    taken: '이 주소로 만든 계정이 이미 있습니다. 로그인해 주세요.',
    signIn: '이메일 주소 또는 비밀번호가 올바르지 않습니다. 다시 확인해 주세요.',
    signInLimit: '로그인에 여러 번 실패했습니다. 10분 후에 다시 시도해 주세요.',
    offline:
      '인터넷에 연결되어 있지 않은 것 같습니다. 입력한 내용은 그대로 있으니, 연결된 뒤 다시 시도해 주세요.',
    unexpected: '서버에 문제가 생겼습니다. 잠시 후 다시 시도해 주세요.',
    lost: '이 주소에는 페이지가 없습니다.',
    startOver: '이메일 주소부터 다시 시작하기',
  },
  hood: '이 단계의 코드',
  busy: '잠시만 기다려 주세요 …',
  lost: { title: '페이지를 찾을 수 없습니다', home: '처음으로' },
  trouble: { title: '문제가 생겼습니다' },
  development: { badge: '개발용', note: '개발용' },
  inbox: {
    title: '받은 메일함',
    lead: '이 데모가 보내는 메일은 모두 여기로 옵니다. 실제로 발송되지는 않습니다.',
    empty: [
      '아직 메일이 없습니다. ',
      '회원가입 페이지',
      '에서 인증번호를 받으면 여기에 자동으로 나타납니다.',
    ],
    mails: '메일 목록',
    views: '보기 방식',
    view: { html: 'HTML', text: '텍스트', source: '원본' },
    copy: '인증번호 복사',
    script: {
      copied: '복사했습니다',
      codeCopied: '인증번호를 복사했습니다.',
      mailCame: '새 메일이 왔습니다',
    },
  },
  previews: {
    title: '모든 메일',
    lead: '모든 메일을 언어별로 넓은 화면, 휴대전화 화면, 텍스트로 보여 줍니다.',
    names: { code: '인증번호', taken: '이미 가입된 주소' },
    wide: '넓은 화면',
    phone: '휴대전화 화면',
    text: '텍스트',
  },
  use: (use) => {
    switch (use.kind) {
      case 'redis':
        return `Redis 서버 ${use.host}`;
      case 'own_redis':
        return `Redis ${use.version}, 데모와 함께 실행 (포트 ${use.port})`;
      case 'code_memory':
        return '인증번호는 메모리에 보관, Redis 없음';
      case 'smtp':
        return `메일은 ${use.name} 서버로 발송`;
      case 'inbox':
        return '메일은 발송하지 않고 받은 메일함에 보관';
      case 'account_memory':
        return '계정은 메모리에 보관';
      case 'account_file':
        return `계정은 ${use.file} 파일에 보관`;
    }
  },
  mail: {
    subject: '이미 계정이 있습니다',
    greeting: '이미 계정이 있습니다',
    explain:
      '누군가(아마도 본인이) 이 주소로 회원가입을 하려고 했습니다. 이미 계정이 있는 주소라서 인증번호는 보내지 않았습니다.',
    signIn: '여기에서 로그인해 주세요.',
    ignore: '본인이 아니라면 이 메일을 무시해 주세요. 바뀐 것은 없습니다.',
  },
};
