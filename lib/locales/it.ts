import { builtIn, durationsIn, type Locale, pluralsIn } from './locale.js';

const durations = durationsIn('it');
const plural = pluralsIn('it');

export const it: Locale = builtIn({
  tag: 'it',
  dir: 'ltr',
  answers: {
    sent: 'Ti abbiamo inviato un codice. Controlla la tua email.',
    verified: 'Il tuo indirizzo email è verificato.',
    invalid_request: 'Controlla i dati inseriti.',
    refused: 'La richiesta è stata rifiutata.',
    captcha: 'Conferma di non essere un robot e riprova.',
    too_many_requests: (seconds) => `Troppe richieste. Riprova tra ${durations.wait(seconds)}.`,
    delivery_failed: 'Impossibile inviare l’email. Riprova più tardi.',
    recipient_refused: 'Impossibile recapitare l’email. Controlla l’indirizzo e riprova.',
    delivery_unknown: 'L’email potrebbe arrivare con un po’ di ritardo. Se arriva, il codice sarà valido.',
    unavailable: 'Al momento il servizio non è disponibile. Riprova tra poco.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'Il codice non è corretto. Richiedine uno nuovo.'
        : `Il codice non è corretto. Hai ancora ${attemptsLeft} ${plural(attemptsLeft, {
            one: 'tentativo',
            other: 'tentativi',
          })}.`,
    code_expired: 'Questo codice non è più valido. Richiedine uno nuovo.',
    code_outdated: 'Questo codice è di un’email precedente. Inserisci quello dell’email più recente.',
    email_not_verified: 'Prima verifica il tuo indirizzo email.',
  },
  fields: {
    body: 'Impossibile leggere la richiesta. Invia JSON o un modulo.',
    email: 'Inserisci un indirizzo email valido.',
    emailNotString: 'Il campo email deve essere una stringa.',
    code: (length) => `Inserisci il codice di ${length} cifre.`,
    letterCode: 'Inserisci il codice di 8 lettere.',
    codeNotString: 'Il campo code deve essere una stringa.',
    challengeId: 'Il campo challengeId deve essere una stringa.',
    locale: 'Il campo locale deve essere una stringa.',
  },
  mail: {
    subject: (appName) => `Il tuo codice di verifica per ${appName}`,
    subjectWithCode: (appName, code) => `${code} è il tuo codice di verifica per ${appName}`,
    preview: (appName) => `Inseriscilo per verificare il tuo indirizzo email su ${appName}.`,
    heading: 'Verifica il tuo indirizzo email',
    instruction: (appName) => `Inserisci questo codice per continuare su ${appName}:`,
    expiry: (seconds) =>
      `Questo codice scade tra ${durations.exact(seconds)} e può essere usato una sola volta.`,
    requestedFor: (email) => `Questo codice è stato richiesto per ${email}.`,
    ignore: 'Se non hai richiesto questo codice, ignora questa email. Non condividere il codice con nessuno.',
  },
});
