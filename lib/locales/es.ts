import { builtIn, durationsIn, type Locale, pluralsIn } from './locale.js';

const durations = durationsIn('es');
const plural = pluralsIn('es');

/** For Spain and Latin America: "escribir" where one says "introducir", the other "ingresar". */
export const es: Locale = builtIn({
  tag: 'es',
  dir: 'ltr',
  answers: {
    sent: 'Te enviamos un código. Revisa tu correo electrónico.',
    verified: 'Tu correo electrónico está verificado.',
    invalid_request: 'Revisa los datos e inténtalo de nuevo.',
    refused: 'Se rechazó la solicitud.',
    captcha: 'Confirma que no eres un robot e inténtalo de nuevo.',
    too_many_requests: (seconds) =>
      `Demasiadas solicitudes. Inténtalo de nuevo dentro de ${durations.wait(seconds)}.`,
    delivery_failed: 'No se pudo enviar el correo. Inténtalo de nuevo más tarde.',
    recipient_refused: 'No se pudo entregar el correo. Revisa la dirección e inténtalo de nuevo.',
    delivery_unknown: 'El correo puede tardar un poco más. Si te llega, el código será válido.',
    unavailable: 'El servicio no está disponible en este momento. Inténtalo de nuevo en unos instantes.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'El código no es correcto. Solicita uno nuevo.'
        : `El código no es correcto. ${plural(attemptsLeft, {
            one: `Te queda ${attemptsLeft} intento`,
            other: `Te quedan ${attemptsLeft} intentos`,
          })}.`,
    code_expired: 'Este código ya no es válido. Solicita uno nuevo.',
    code_outdated: 'Este código es de un correo anterior. Escribe el del correo más reciente.',
    email_not_verified: 'Primero verifica tu correo electrónico.',
  },
  fields: {
    body: 'No se pudo leer la solicitud. Envía JSON o un formulario.',
    email: 'Escribe una dirección de correo electrónico válida.',
    emailNotString: 'El campo email debe ser una cadena.',
    code: (length) => `Escribe el código de ${length} dígitos.`,
    letterCode: 'Escribe el código de 8 letras.',
    codeNotString: 'El campo code debe ser una cadena.',
    challengeId: 'El campo challengeId debe ser una cadena.',
    locale: 'El campo locale debe ser una cadena.',
  },
  mail: {
    subject: (appName) => `Tu código de verificación de ${appName}`,
    subjectWithCode: (appName, code) => `${code} es tu código de verificación de ${appName}`,
    preview: (appName) => `Escríbelo para verificar tu correo electrónico en ${appName}.`,
    heading: 'Verifica tu correo electrónico',
    instruction: (appName) => `Escribe este código para continuar en ${appName}:`,
    expiry: (seconds) => `Este código expira en ${durations.exact(seconds)} y solo se puede usar una vez.`,
    requestedFor: (email) => `Este código se solicitó para ${email}.`,
    ignore: 'Si no solicitaste este código, ignora este correo. No compartas el código con nadie.',
  },
});
