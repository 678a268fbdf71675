import { builtIn, durationsIn, type Locale, pluralsIn } from './locale.js';

const durations = durationsIn('pt-BR');
const plural = pluralsIn('pt-BR');

export const ptBR: Locale = builtIn({
  tag: 'pt-BR',
  dir: 'ltr',
  answers: {
    sent: 'Enviamos um código para você. Confira sua caixa de entrada.',
    verified: 'Seu endereço de e-mail foi verificado.',
    invalid_request: 'Confira os dados informados.',
    refused: 'Esta solicitação foi recusada.',
    captcha: 'Confirme que você não é um robô e tente novamente.',
    too_many_requests: (seconds) => `Muitas solicitações. Tente novamente em ${durations.wait(seconds)}.`,
    delivery_failed: 'Não foi possível enviar o e-mail. Tente novamente mais tarde.',
    recipient_refused: 'Não foi possível entregar o e-mail. Confira o endereço e tente novamente.',
    delivery_unknown: 'O e-mail pode demorar um pouco mais. Se ele chegar, o código será válido.',
    unavailable: 'O serviço não está disponível no momento. Tente novamente em instantes.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'Código incorreto. Solicite um novo.'
        : `Código incorreto. Você ainda tem ${attemptsLeft} ${plural(attemptsLeft, {
            one: 'tentativa',
            other: 'tentativas',
          })}.`,
    code_expired: 'Este código não é mais válido. Solicite um novo.',
    code_outdated: 'Este código é de um e-mail anterior. Digite o código do e-mail mais recente.',
    email_not_verified: 'Primeiro, verifique seu endereço de e-mail.',
  },
  fields: {
    body: 'Não foi possível ler a solicitação. Envie JSON ou um formulário.',
    email: 'Digite um endereço de e-mail válido.',
    emailNotString: 'O campo email deve ser uma string.',
    code: (length) => `Digite o código de ${length} dígitos.`,
    letterCode: 'Digite o código de 8 letras.',
    codeNotString: 'O campo code deve ser uma string.',
    challengeId: 'O campo challengeId deve ser uma string.',
    locale: 'O campo locale deve ser uma string.',
  },
  mail: {
    // An article before the name would need its gender.
    subject: (appName) => `${appName}: seu código de verificação`,
    subjectWithCode: (appName, code) => `${appName}: seu código de verificação é ${code}`,
    preview: (appName) => `${appName}: digite o código para verificar seu endereço de e-mail.`,
    heading: 'Verifique seu endereço de e-mail',
    instruction: (appName) => `Digite este código para continuar em ${appName}:`,
    expiry: (seconds) => `Este código expira em ${durations.exact(seconds)} e só pode ser usado uma vez.`,
    requestedFor: (email) => `Este código foi solicitado para ${email}.`,
    ignore: 'Se você não solicitou este código, ignore este e-mail. Não compartilhe o código com ninguém.',
  },
});
