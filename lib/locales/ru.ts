import { builtIn, durationsIn, type Locale, pluralsIn } from './locale.js';

const plural = pluralsIn('ru');

/** `Intl` has the nominative. After "через", Russian has the accusative. */
const durations = durationsIn('ru', {
  second: (count) => `${count} ${plural(count, { one: 'секунду', few: 'секунды', other: 'секунд' })}`,
  minute: (count) => `${count} ${plural(count, { one: 'минуту', few: 'минуты', other: 'минут' })}`,
  hour: (count) => `${count} ${plural(count, { one: 'час', few: 'часа', other: 'часов' })}`,
});

export const ru: Locale = builtIn({
  tag: 'ru',
  dir: 'ltr',
  answers: {
    sent: 'Мы отправили вам код. Проверьте почту.',
    verified: 'Адрес электронной почты подтверждён.',
    invalid_request: 'Проверьте введённые данные.',
    refused: 'Запрос отклонён.',
    captcha: 'Подтвердите, что вы не робот, и повторите попытку.',
    too_many_requests: (seconds) =>
      `Слишком много запросов. Повторите попытку через ${durations.wait(seconds)}.`,
    delivery_failed: 'Не удалось отправить письмо. Повторите попытку позже.',
    recipient_refused: 'Не удалось доставить письмо. Проверьте адрес и повторите попытку.',
    delivery_unknown: 'Письмо может прийти с небольшой задержкой. Если оно придёт, код из него сработает.',
    unavailable: 'Сервис временно недоступен. Повторите попытку чуть позже.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'Неверный код. Запросите новый.'
        : `Неверный код. ${plural(attemptsLeft, {
            one: `Осталась ${attemptsLeft} попытка`,
            few: `Осталось ${attemptsLeft} попытки`,
            other: `Осталось ${attemptsLeft} попыток`,
          })}.`,
    code_expired: 'Этот код больше не действует. Запросите новый.',
    code_outdated: 'Это код из предыдущего письма. Введите код из последнего письма.',
    email_not_verified: 'Сначала подтвердите адрес электронной почты.',
  },
  fields: {
    body: 'Не удалось прочитать запрос. Отправьте JSON или форму.',
    email: 'Введите корректный адрес электронной почты.',
    emailNotString: 'Поле email должно быть строкой.',
    code: (length) => `Введите код из ${length} цифр.`,
    letterCode: 'Введите код из 8 букв.',
    codeNotString: 'Поле code должно быть строкой.',
    challengeId: 'Поле challengeId должно быть строкой.',
    locale: 'Поле locale должно быть строкой.',
  },
  mail: {
    subject: (appName) => `Код подтверждения для ${appName}`,
    subjectWithCode: (appName, code) => `${code} — код подтверждения для ${appName}`,
    preview: (appName) => `Введите его, чтобы подтвердить адрес электронной почты для ${appName}.`,
    heading: 'Подтвердите адрес электронной почты',
    instruction: (appName) => `Введите этот код в ${appName}, чтобы продолжить:`,
    expiry: (seconds) =>
      `Этот код перестанет действовать через ${durations.exact(seconds)}. Использовать его можно только один раз.`,
    requestedFor: (email) => `Этот код запрошен для адреса ${email}.`,
    ignore: 'Если вы не запрашивали код, проигнорируйте это письмо. Никому не сообщайте код.',
  },
});
