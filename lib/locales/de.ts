import { builtIn, durationsIn, type Locale, pluralsIn } from './locale.js';

const durations = durationsIn('de');
const plural = pluralsIn('de');

export const de: Locale = builtIn({
  tag: 'de',
  dir: 'ltr',
  answers: {
    sent: 'Wir haben Ihnen einen Code gesendet. Bitte prüfen Sie Ihren Posteingang.',
    verified: 'Ihre E-Mail-Adresse ist bestätigt.',
    invalid_request: 'Bitte prüfen Sie Ihre Eingaben.',
    refused: 'Diese Anfrage wurde abgelehnt.',
    captcha: 'Bitte bestätigen Sie, dass Sie kein Roboter sind, und versuchen Sie es erneut.',
    too_many_requests: (seconds) =>
      `Zu viele Anfragen. Bitte versuchen Sie es in ${durations.wait(seconds)} erneut.`,
    delivery_failed: 'Die E-Mail konnte nicht gesendet werden. Bitte versuchen Sie es später erneut.',
    recipient_refused:
      'Die E-Mail konnte nicht zugestellt werden. Bitte prüfen Sie die Adresse und versuchen Sie es erneut.',
    delivery_unknown:
      'Die E-Mail kommt möglicherweise etwas später an. Den Code darin können Sie dann verwenden.',
    unavailable: 'Der Dienst ist gerade nicht verfügbar. Bitte versuchen Sie es gleich noch einmal.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'Der Code ist falsch. Bitte fordern Sie einen neuen an.'
        : `Der Code ist falsch. Sie haben noch ${attemptsLeft} ${plural(attemptsLeft, {
            one: 'Versuch',
            other: 'Versuche',
          })}.`,
    code_expired: 'Dieser Code ist nicht mehr gültig. Bitte fordern Sie einen neuen an.',
    code_outdated:
      'Dieser Code stammt aus einer früheren E-Mail. Bitte geben Sie den Code aus der neuesten E-Mail ein.',
    email_not_verified: 'Bitte bestätigen Sie zuerst Ihre E-Mail-Adresse.',
  },
  fields: {
    body: 'Die Anfrage konnte nicht gelesen werden. Bitte senden Sie JSON oder ein Formular.',
    email: 'Bitte geben Sie eine gültige E-Mail-Adresse ein.',
    emailNotString: 'Das Feld email muss eine Zeichenfolge sein.',
    code: (length) => `Bitte geben Sie den ${length}-stelligen Code ein.`,
    letterCode: 'Bitte geben Sie den Code aus 8 Buchstaben ein.',
    codeNotString: 'Das Feld code muss eine Zeichenfolge sein.',
    challengeId: 'Das Feld challengeId muss eine Zeichenfolge sein.',
    locale: 'Das Feld locale muss eine Zeichenfolge sein.',
  },
  mail: {
    subject: (appName) => `Ihr Bestätigungscode für ${appName}`,
    subjectWithCode: (appName, code) => `${code} ist Ihr Bestätigungscode für ${appName}`,
    preview: (appName) => `Geben Sie den Code ein, um Ihre E-Mail-Adresse für ${appName} zu bestätigen.`,
    heading: 'E-Mail-Adresse bestätigen',
    instruction: (appName) => `Geben Sie diesen Code ein, um bei ${appName} fortzufahren:`,
    expiry: (seconds) =>
      `Dieser Code läuft in ${durations.exact(seconds)} ab und kann nur einmal verwendet werden.`,
    requestedFor: (email) => `Dieser Code wurde für ${email} angefordert.`,
    ignore:
      'Wenn Sie diesen Code nicht angefordert haben, ignorieren Sie bitte diese E-Mail. Teilen Sie den Code mit niemandem.',
  },
});
