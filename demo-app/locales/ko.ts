import { ko as own } from 'express-email-verification';
import type { Translation } from './translation.js';

export const ko: Translation = {
  package: own,
  tag: 'ko',
  name: '한국어',
  skip: {
    form: '입력란 바로가기',
    message: '메일 내용 바로가기',
    content: '본문 바로가기',
  },
  language: '언어',
  nav: { signUp: '회원가입', signIn: '로그인', signOut: '로그아웃' },
  steps: { label: '회원가입 단계', names: ['이메일', '인증번호', '계정 정보'] },
  address: {
    title: '회원가입',
    lead: '이메일 주소를 입력하시면 인증번호를 보내 드립니다.',
    label: '이메일 주소',
    button: '인증번호 받기',
    haveCode: '인증번호를 이미 받으셨나요?',
    haveAccount: '이미 계정이 있으신가요?',
  },
  code: {
    title: '이메일을 확인해 주세요',
    sentTo: ['', ' 주소로 인증번호를 보냈습니다.'],
    notSent: {
      title: '새 인증번호를 보내지 않았습니다',
      lead: [
        '아직 ',
        ' 주소로 인증번호를 다시 보낼 수 없습니다. 나중에 다시 시도하거나 다른 이메일 주소를 사용해 주세요.',
      ],
    },
    label: '인증번호',
    button: '인증하기',
    resend: '인증번호 다시 받기',
    resendIn: ['', ' 후에 다시 받을 수 있습니다.'],
    expiresIn: ['남은 시간 ', ''],
    expired: '인증번호가 만료되었습니다. 인증번호를 다시 받아 주세요.',
    changeEmail: '다른 이메일 주소 사용하기',
    notReceived: '메일이 오지 않았나요? 스팸 메일함도 확인해 주세요.',
    inbox: '받은메일함 열기',
  },
  account: {
    title: '이메일 인증이 완료되었습니다',
    lead: ['', ' 계정에 사용할 이름과 비밀번호를 입력해 주세요.'],
    name: '이름',
    password: '비밀번호',
    passwordHint: '8자 이상 입력해 주세요. 단어 여러 개를 이어 쓰면 더 안전합니다.',
    button: '가입하기',
  },
  signIn: {
    title: '로그인',
    lead: '이메일 주소와 비밀번호를 입력해 주세요.',
    button: '로그인',
    noAccount: '아직 계정이 없으신가요?',
  },
  welcome: {
    title: (name) => `${name} 님, 환영합니다`,
    lead: (address) => `${address} 계정으로 로그인했습니다.`,
    tryAgain:
      '데모를 더 살펴보려면 로그아웃한 뒤 다시 로그인하거나, 1분 후에 같은 이메일 주소로 다시 가입해 보세요.',
  },
  errors: {
    titlePrefix: '오류',
    enterCode: '이미 받은 인증번호가 있다면 아래에 입력해 주세요.',
    verificationExpired: '이메일 인증이 만료되었습니다. 다시 인증해 주세요.',
    name: '이름을 80자 이내로 입력해 주세요.',
    password: '비밀번호를 8자 이상 200자 이하로 입력해 주세요.',
    accountExists: '이미 가입된 이메일 주소입니다. 로그인해 주세요.',
    signIn: '이메일 주소 또는 비밀번호가 올바르지 않습니다. 다시 확인해 주세요.',
    tooManySignIns: '로그인에 여러 번 실패했습니다. 10분 후에 다시 시도해 주세요.',
    offline: '인터넷에 연결되어 있지 않은 것 같습니다. 연결 상태를 확인하고 다시 시도해 주세요.',
    unexpected: '오류가 발생했습니다. 잠시 후 다시 시도해 주세요.',
    startOver: '처음부터 다시 시작하기',
  },
  howItWorks: '이 단계의 구현 코드',
  busy: '잠시만 기다려 주세요…',
  notFound: {
    title: '페이지를 찾을 수 없습니다',
    message: '요청하신 페이지가 없습니다. 주소를 다시 확인해 주세요.',
    home: '홈으로 가기',
  },
  unexpectedError: { title: '오류가 발생했습니다', message: '잠시 후 다시 시도해 주세요.' },
  development: { badge: '개발용', note: '개발용' },
  inbox: {
    title: '받은메일함',
    lead: '데모의 메일은 모두 여기에 표시되며, 실제로 발송되지는 않습니다.',
    empty: ['받은 메일이 없습니다. ', '회원가입 페이지', '에서 인증번호를 요청하면 여기에 표시됩니다.'],
    messages: '메일 목록',
    formats: '보기 방식',
    format: { html: 'HTML', text: '텍스트', source: '원본' },
    copy: '인증번호 복사',
    script: {
      copied: '복사했습니다',
      codeCopied: '인증번호를 복사했습니다.',
      newMessage: '새 메일이 도착했습니다',
    },
  },
  previews: {
    title: '메일 미리보기',
    lead: '모든 메일을 언어별로 데스크톱, 모바일, 텍스트 형식으로 볼 수 있습니다.',
    names: { code: '인증번호 안내', existingAccount: '기존 계정 안내' },
    desktop: '데스크톱',
    mobile: '모바일',
    text: '텍스트',
  },
  backend: (backend) => {
    switch (backend.kind) {
      case 'redis':
        return `Redis 서버: ${backend.host}`;
      case 'local_redis':
        return `Redis ${backend.version}: 데모에서 실행 중`;
      case 'memory_store':
        return '인증번호: 메모리에 저장(Redis 없음)';
      case 'smtp':
        return `메일 서버: ${backend.name}`;
      case 'inbox':
        return '메일: 받은메일함에만 보관';
      case 'memory_accounts':
        return '계정: 메모리에 저장';
      case 'file_accounts':
        return `계정: ${backend.file} 파일에 저장`;
    }
  },
  existingAccountEmail: {
    subject: '이미 가입된 이메일 주소입니다',
    heading: '이미 가입된 이메일 주소입니다',
    explanation:
      '이 이메일 주소로 회원가입 요청이 있었습니다. 이미 가입된 주소이므로 인증번호를 보내지 않았습니다.',
    signIn: '로그인하기:',
    ignore: '본인이 요청하지 않았다면 이 메일을 무시하셔도 됩니다. 변경된 정보는 없습니다.',
  },
};
